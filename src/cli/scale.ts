/**
 * # `fisherlab bench scale`: is the cost per image constant?
 *
 * Measures the numbers that `docs/scale.md` calculates with, using the same commands that people
 * run:
 *
 * - *long*: one process over many images, comparing the last fifth with the first, and its memory;
 * - *start*: the time a to start a shard. A shard of `n` images takes `T(n) = a + n·b`, so `a =
 *   2·T(n) − T(2n)`;
 * - *merge*: joining 64 shards of random numbers with the columns of the largest Glow, at two
 *   lengths. The longer table has 5.4 GB, and the disk must have room for two of them;
 * - *shards*: one process with two cores, alternating with two processes of one core each;
 * - *models*: processor time, operations and parameters of the small and the paper's Glow.
 *
 * Needs `taskset` of Linux, which assigns cores to processes.
 */
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { experiments, features } from '../index';
import { type Cost, IMAGE, machineHere, rounded, SEED, spread } from './cost';
import { lab } from './lab';
import { answerOf, type Ran, ran } from './own-process';

type Results = experiments.ScaleResults;

/** The shipped model, and the set whose images it gets. */
const MODEL = 'glow-cifar10';
const SET = 'cifar10';
const SHARDS = 64;
/** Feature columns of the merged table: as many as the paper's Glow has tensors. */
const COLUMNS = 1353;
const PAIRS = 3;
/** Images of the shorter shard for *start*: two parts. */
const SHORT = 480;
/** Images for *shards*: a whole number of parts. */
const SHARED = 8 * SHORT;
/** After this many images, memory should no longer grow. */
const SETTLED = 1000;
type Part = (folder: string, count: number) => Promise<Partial<Results>>;

/** The parts. `count` is a number of images, or a twentieth of the rows of a table. */
const PARTS: Readonly<Record<string, Part>> = {
  start: async (folder) => ({ start: await startOfShard(folder) }),
  shards: async (folder) => ({ shards: await shardsBesideOne(folder) }),
  merge: async (folder, count) => ({
    merge: [await mergeCost(folder, 2 * count), await mergeCost(folder, 20 * count)],
  }),
  models: async () => ({ models: [await modelCost('small', 480), await modelCost('paper', 64)] }),
  long: async (folder, count) => ({ long: await longRun(folder, count) }),
};

/**
 * Measures one part or all, keeps each result as soon as it is known, and updates the page.
 * @throws {FisherlabError} if there is no such part, if `taskset` is missing, or if the set is not
 *   complete
 */
export async function measureScale(
  part: string | undefined,
  count: number,
  say: (line: string) => void,
): Promise<void> {
  const { data, experiments, FisherlabError, startBackend } = lab();
  if (part !== undefined && !(part in PARTS))
    throw new FisherlabError(
      `bench scale has no part '${part}'`,
      `choose one of ${Object.keys(PARTS).join(', ')}`,
    );
  if (process.platform !== 'linux')
    throw new FisherlabError('bench scale needs taskset', 'run it on Linux');
  const { name } = await startBackend();
  const { count: there } = await data.dataset(SET, 'test');
  if (there < SHARED)
    throw new FisherlabError(
      `${SET} has ${there} test images here, and ${SHARED} are needed`,
      'name a folder that has all of them in FISHERLAB_DATA',
    );
  const machine = { ...machineHere(), backend: name, load: rounded(os.loadavg()[0] ?? 0) };
  for (const [each, measure] of Object.entries(PARTS)) {
    if (part !== undefined && part !== each) continue;
    const folder = await mkdtemp(path.join(os.tmpdir(), 'fisherlab-scale-'));
    try {
      const found = await measure(folder, count);
      await experiments.keepScale({ machine, ...found });
      say(JSON.stringify(found));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  await experiments.fillPages();
}

/** The arguments of `fisherlab features` for the first images of the set. */
function featuresOf(images: number, to: string): string[] {
  return ['features', '--model', MODEL, '--in', SET, '--limit', `${images}`, '--to', to];
}

async function startOfShard(folder: string): Promise<Results['start']> {
  const found: Ran[][] = [];
  for (let k = 0; k < PAIRS; k++) {
    const runs = [];
    for (const images of [SHORT, 2 * SHORT])
      runs.push(await ran(featuresOf(images, path.join(folder, `start-${images}-${k}`))));
    found.push(runs);
  }
  const startBy = (key: 'seconds' | 'cpu') =>
    spread(found.map(([one, two]) => 2 * (one as Ran)[key] - (two as Ran)[key]));
  return { wall: startBy('seconds'), cpu: startBy('cpu') };
}

async function shardsBesideOne(folder: string): Promise<Results['shards']> {
  const images = SHARED;
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let k = 0; k < PAIRS; k++) {
    const single = await ran(featuresOf(images, path.join(folder, `single-${k}`)), '0,1');
    const words = featuresOf(images, path.join(folder, `shards-${k}`));
    const [one, two] = await Promise.all([
      ran([...words, '--shard', '0/2'], '0'),
      ran([...words, '--shard', '1/2'], '1'),
    ]);
    wall.push(single.seconds / Math.max(one.seconds, two.seconds));
    cpu.push(single.cpu / (one.cpu + two.cpu));
  }
  return { images, wall: spread(wall), cpu: spread(cpu) };
}

async function mergeCost(folder: string, rows: number): Promise<Results['merge'][number]> {
  const to = path.join(folder, `merge-${rows}`);
  await mkdir(path.join(to, 'shards'), { recursive: true });
  for (let k = 0; k < SHARDS; k++) {
    const [from, end] = [k, k + 1].map((edge) => Math.floor((edge * rows) / SHARDS));
    await writeShard(path.join(to, 'shards', `${k}.parquet`), k, from as number, end as number);
  }
  const { seconds, peak_mb } = await ran(['merge', to]);
  const { size } = await stat(path.join(to, 'columns.rows.B1.parquet'));
  await rm(to, { recursive: true });
  const gigabytes = rounded(size / 1e9);
  return { shards: SHARDS, columns: COLUMNS, rows, gigabytes, seconds: rounded(seconds), peak_mb };
}

/** Writes a shard whose rows `from` to `end` (exclusive) repeat the same random numbers. */
async function writeShard(file: string, k: number, from: number, end: number): Promise<void> {
  const { features, random } = lab();
  const values = Float64Array.from(random.uniforms(SEED, end - from), Math.fround);
  const columns = Array.from({ length: COLUMNS }, (_, j) => ({
    feature: 'squared-norm',
    layer: `layer.${j}`,
    size: 1,
    values,
  }));
  const piece: features.Piece = {
    images: Array.from(values, (_, row) => from + row),
    table: { rows: end - from, batchSize: 1, columns },
  };
  const of = { shard: [k, SHARDS], parts: [] };
  const origin = { model: { name: 'columns' }, images: { name: 'rows' }, ...of };
  await features.writeTableFile(file, origin, [piece]);
}

async function modelCost(
  preset: 'small' | 'paper',
  images: number,
): Promise<Results['models'][number]> {
  const { models } = lab();
  const words = ['bench', 'features', 'glow', '--preset', preset, '--images', `${images}`];
  const cost = (await answerOf([...words, '--json'])) as Cost;
  const model = models.createModel(models.preset('glow', preset, IMAGE, SEED));
  const parameters = model.layers.reduce((sum, { variable }) => sum + variable.size, 0);
  models.disposeModel(model);
  const { tensors, cpu_ms_per_image, peak_mb } = cost;
  const operations_per_image = rounded(cost.gflops * cost.ms_per_image * 1e6);
  return {
    model: cost.model,
    parameters,
    tensors,
    cpu_ms_per_image,
    operations_per_image,
    peak_mb,
  };
}

/** What a process had used at some moment. */
interface Moment {
  readonly images: number;
  readonly wall: number;
  readonly cpu: number;
  readonly memory: number;
}

async function longRun(folder: string, count: number): Promise<Results['long']> {
  const { data, features, models } = lab();
  const { images, shape, count: few } = await data.dataset(SET, 'test');
  const size = images.length / few;
  const pixels = new Uint8Array(count * size); // [N, H, W, C]
  for (let k = 0; k < count; k += few)
    pixels.set(images.subarray(0, Math.min(few, count - k) * size), k * size);
  const loaded = models.loadModel(MODEL);
  const moments: Moment[] = [];
  await features.makeFeatureFiles(
    [{ asked: MODEL, loaded }],
    [{ images: data.rowOf({ name: SET, images: pixels, count, shape }), in: [SET] }],
    {
      folder: path.join(folder, 'long'),
      batchSizes: [1, 5],
      seed: SEED,
      progress: (_, images) => moments.push(moment(images)),
    },
  );
  models.disposeModel(loaded.model);
  const fifth = Math.floor(count / 5);
  const after = moments.filter(({ images }) => images >= Math.min(SETTLED, fifth));
  const most = Math.max(...after.map(({ memory }) => memory));
  return {
    model: MODEL,
    images: count,
    first: stretch(moments, 0, fifth),
    last: stretch(moments, count - fifth, count),
    growth_mb: Math.round(most - (after[0]?.memory ?? 0)),
    peak_mb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

function moment(images: number): Moment {
  const { user, system } = process.cpuUsage();
  return {
    images,
    wall: performance.now(),
    cpu: (user + system) / 1000,
    memory: process.memoryUsage.rss() / 2 ** 20,
  };
}

/** The time that the images from about `from` to about `to` took. */
function stretch(moments: readonly Moment[], from: number, to: number): Results['long']['first'] {
  const within = moments.filter(({ images }) => images > from && images <= to);
  const [first, last] = [within[0], within.at(-1)];
  if (first === undefined || last === undefined || first.images === last.images)
    throw new Error(`no images from ${from} to ${to}`);
  const images = last.images - first.images;
  return {
    images,
    ms_per_image: rounded((last.wall - first.wall) / images),
    cpu_ms_per_image: rounded((last.cpu - first.cpu) / images),
  };
}
