/**
 * # `fisherlab bench`: what the one pass costs
 *
 * Milliseconds an image for features (squared norms of every tensor, B images a batch), for the
 * gradients of a training step, and for the gradients that the Fisher information is made of (50
 * weights of each of three tensors); the peak memory of the process; and the share of the matrix
 * rate that this machine reaches in the same run. Two kinds are whole computations of `src/fisher`,
 * sampling included, and stand in no row of the table: `estimate` (trace, diagonal and a window of
 * 50 weights of every tensor) and `spectra` (of every tensor's block).
 *
 * The work is counted as a plain training pass is: three forward passes of multiply-adds, `2·3·MAC`
 * operations an image, MAC taken from the kernels of a forward pass (convolutions and products of
 * matrices). The rate to compare with is the best of a product of two 1024x1024 matrices before and
 * after. Time is the best of the repeats.
 *
 *     fisherlab bench                                                    the table: every model and batch size, each in a process of its own
 *     fisherlab bench features glow --K 32 --hidden 512 --images 32 --json   one line of JSON
 *     fisherlab bench features glow --images 10000                       cost is linear in the images, memory constant
 */
import { spawnSync } from 'node:child_process';
import type { Tensor } from '@tensorflow/tfjs';
import { Argument, type Command } from 'commander';
import {
  assertKnown,
  CONVOLUTION_WITH_BIAS,
  deriveSeed,
  FisherlabError,
  startBackend,
  tf,
  uniforms,
} from '../backend/index';
import { estimateFisher, samplesOf, spectra } from '../fisher/index';
import type { Layer } from '../gradients/index';
import { eagerly, featurePasses, gradientsOf, imagesAtOnce, squaredNorm } from '../gradients/index';
import type { ImageShape, TapedModel } from '../models/index';
import { createModel, type Family, type ModelConfig, preset } from '../models/index';
import { StepGradient } from '../training/index';
import { wholeNumber } from './options';

const KINDS = ['features', 'training', 'fim', 'estimate', 'spectra'] as const;
const FAMILIES = ['glow', 'diffusion', 'vae'] as const;
type Kind = (typeof KINDS)[number];

interface Options {
  preset: 'small' | 'paper';
  K?: string;
  hidden?: string;
  images?: string;
  batch?: string;
  B: string;
  repeats: string;
  json?: boolean;
}

export interface BenchResult {
  readonly kind: Kind;
  readonly model: string;
  /** Images a feature is made of. */
  readonly B: number;
  readonly images: number;
  /** Images that go through at once. */
  readonly batch: number;
  readonly tensors: number;
  readonly ms_per_image: number;
  /**
   * Processor time an image, all cores: what is left of a comparison on a machine that others use
   * too.
   */
  readonly cpu_ms_per_image: number;
  readonly gflops: number;
  /** Of the matrix rate measured in the same run. */
  readonly matrix_gflops: number;
  readonly share: number;
  /** Largest resident memory of the process so far. */
  readonly peak_mb: number;
  readonly backend: string;
}

const IMAGE: ImageShape = [32, 32, 3];
const SEED = 1;
/** Samples of the model that a whole estimate and spectra are of. */
const ESTIMATE = 1024;
const SPECTRA = 256;
/** Images of a training step, as in `fisherlab train`. */
const TRAINING_BATCH = 64;

export function register(program: Command): void {
  program
    .command('bench')
    .description('measure the cost of features, training steps and Fisher-information samples')
    .addArgument(new Argument('[kind]', 'what is measured').choices(KINDS))
    .addArgument(new Argument('[model]', 'of which family').choices(FAMILIES))
    .option('--preset <name>', 'size of the model: small or paper', 'small')
    .option('--K <n>', 'Glow: steps a level')
    .option('--hidden <n>', 'Glow: channels of the coupling networks')
    .option('--images <n>', 'images in all')
    .option('--batch <n>', 'images at once (chosen from memory and model unless given)')
    .option('--B <n>', 'images a feature is made of', '1')
    .option('--repeats <n>', 'timed passes, of which the best counts', '2')
    .option('--json', 'one line of JSON')
    .action(benchCommand);
}

async function benchCommand(
  kind: Kind | undefined,
  family: Family | undefined,
  options: Options,
): Promise<void> {
  if (kind !== undefined && family !== undefined) {
    const result = await measure(kind, configOf(family, options), options);
    console.log(options.json === true ? JSON.stringify(result) : [HEADER, row(result)].join('\n'));
    return;
  }
  console.log(HEADER);
  for (const rest of tableRows(kind, family)) {
    const result = inItsOwnProcess(rest);
    if (result !== null) console.log(row(result));
  }
}

function configOf(family: Family, options: Options): ModelConfig {
  assertKnown('preset', options.preset, ['small', 'paper'] as const);
  const config = preset(family, options.preset, IMAGE, SEED);
  if (config.family !== 'glow') {
    if (options.K !== undefined || options.hidden !== undefined)
      throw new FisherlabError(
        '--K and --hidden are sizes of Glow',
        'leave them out, or bench glow',
      );
    return config;
  }
  return {
    ...config,
    K: wholeNumber('--K', options.K ?? String(config.K)),
    hidden: wholeNumber('--hidden', options.hidden ?? String(config.hidden)),
  };
}

/** Measures one model at one batch size. */
async function measure(kind: Kind, config: ModelConfig, options: Options): Promise<BenchResult> {
  const { name: backend } = await startBackend();
  const model = createModel(config);
  const B = wholeNumber('--B', options.B ?? String(1));
  const { batch, pass } = passOf(
    kind,
    model,
    B,
    options.batch === undefined ? null : wholeNumber('--batch', options.batch),
  );
  const images = wholeNumber('--images', options.images ?? String(batch));
  const atOnce = Math.min(batch, images);
  const multiplyAdds = await forwardMultiplyAdds(model);
  const rateBefore = matrixRate();
  await passOver(model, Math.min(2 * atOnce, images), atOnce, pass); // warm
  let [wall, cpu] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let k = 0; k < wholeNumber('--repeats', options.repeats ?? String(2)); k++) {
    const took = await passOver(model, images, atOnce, pass);
    wall = Math.min(wall, took.wall);
    cpu = Math.min(cpu, took.cpu);
  }
  const rate = Math.max(rateBefore, matrixRate());
  const gflops = (6 * multiplyAdds * images) / wall / 1e6;
  return {
    kind,
    model: nameOf(config, options),
    B,
    images,
    batch: atOnce,
    tensors: model.layers.length,
    ms_per_image: rounded(wall / images),
    cpu_ms_per_image: rounded(cpu / images),
    gflops: rounded(gflops),
    matrix_gflops: rounded(rate),
    share: rounded(gflops / rate),
    peak_mb: Math.round(process.resourceUsage().maxRSS / 1024),
    backend,
  };
}

/** Indices of the first 50 weights of a layer. */
function first50({ variable }: Layer): number[] {
  return Array.from({ length: Math.min(50, variable.size) }, (_, k) => k);
}

type Pass = (images: Tensor, noise: Tensor, start: number) => unknown;

/**
 * The pass to measure, and how many images it takes at once: `batch`, or what is best for the
 * model.
 */
function passOf(
  kind: Kind,
  model: TapedModel,
  B: number,
  batch: number | null,
): { batch: number; pass: Pass } {
  switch (kind) {
    case 'features': {
      const sample = (count: number) => {
        const [images, noise] = inputs(model, 0, count);
        return { images, noise };
      };
      const passes =
        batch === null
          ? featurePasses(model, [squaredNorm], [B], Number.POSITIVE_INFINITY, sample)
          : eagerly(model, [squaredNorm], [B], batch);
      return { batch: passes.atOnce, pass: (images, noise) => void passes.run(images, noise) };
    }
    case 'training': {
      const gradient = new StepGradient(model, Number.POSITIVE_INFINITY);
      const parameters = gradient.weights.read();
      return {
        batch: batch ?? TRAINING_BATCH,
        pass: (images, _, start) =>
          gradient.at(parameters, images, deriveSeed(SEED, start)).gradient.dispose(),
      };
    }
    case 'fim': {
      const learned = model.layers.filter((layer) => !layer.frozen);
      const three = [0.25, 0.5, 0.75].map((part) => learned[Math.floor(part * learned.length)]);
      const choice = new Map<string, number[]>();
      for (const layer of three) {
        if (layer !== undefined) choice.set(layer.name, first50(layer));
      }
      const pass: Pass = (images, noise) => {
        const chosen = gradientsOf(choice);
        model.gradients(images, noise, chosen).dispose();
        chosen.read('gradients');
      };
      return { batch: batch ?? automatic(model), pass };
    }
    case 'estimate': {
      const windows = new Map(model.layers.map((layer) => [layer.name, first50(layer)]));
      const pass: Pass = ({ shape }) =>
        estimateFisher(model, samplesOf(model, SEED, shape[0]), { windows });
      return { batch: batch ?? ESTIMATE, pass };
    }
    case 'spectra':
      return {
        batch: batch ?? SPECTRA,
        pass: ({ shape }) => spectra(model, samplesOf(model, SEED, shape[0]), { seed: SEED }),
      };
  }
}

/** Goes over `count` images, `batch` at once; making the images is not timed. Milliseconds. */
async function passOver(
  model: TapedModel,
  count: number,
  batch: number,
  pass: Pass,
): Promise<{ wall: number; cpu: number }> {
  let [wall, cpu] = [0, 0];
  for (let start = 0; start < count; start += batch) {
    const n = Math.min(batch, count - start);
    const [images, noise] = inputs(model, start, n);
    const [before, used] = [performance.now(), process.cpuUsage()];
    await pass(images, noise, start);
    wall += performance.now() - before;
    const { user, system } = process.cpuUsage(used);
    cpu += (user + system) / 1000;
    tf.dispose([images, noise]);
  }
  return { wall, cpu };
}

function inputs(model: TapedModel, start: number, n: number): [Tensor, Tensor] {
  const [h, w, c] = model.imageShape;
  const pixels = uniforms(deriveSeed(SEED, start), n * h * w * c).map((u) => Math.floor(256 * u));
  const indices = Array.from({ length: n }, (_, k) => start + k);
  return [tf.tensor4d(pixels, [n, h, w, c]), model.noise(indices, SEED)];
}

function automatic(model: TapedModel): number {
  const [images, noise] = inputs(model, 0, 2);
  try {
    return imagesAtOnce(model, images, noise);
  } finally {
    tf.dispose([images, noise]);
  }
}

/**
 * Multiply-adds of a forward pass, an image: those of its convolutions and products of matrices
 * (the difference between two images and one).
 */
async function forwardMultiplyAdds(model: TapedModel): Promise<number> {
  const counted: number[] = [];
  for (const n of [1, 2]) {
    const [images, noise] = inputs(model, 0, n);
    const { kernels } = await tf.profile(() => model.logLikelihood(images, noise).dispose());
    counted.push(kernels.reduce((total, kernel) => total + multiplyAdds(kernel), 0));
    tf.dispose([images, noise]);
  }
  return (counted[1] as number) - (counted[0] as number);
}

function multiplyAdds({
  name,
  inputShapes,
  outputShapes,
}: Awaited<ReturnType<typeof tf.profile>>['kernels'][number]): number {
  const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
  const [first, second] = inputShapes as number[][];
  const out = outputShapes[0] as number[] | undefined;
  if (first === undefined || second === undefined || out === undefined) return 0;
  // A filter is [kh, kw, I, O]: all but O of it, or all but I on the way back, for each number of
  // the longer side.
  if (name === 'Conv2D' || name === CONVOLUTION_WITH_BIAS)
    return product(out) * product(second.slice(0, 3));
  if (name === 'Conv2DBackpropInput')
    return (product(first) * product(second)) / (second[3] as number);
  if (name === 'BatchMatMul')
    return (product(out) * product(first.slice(-2))) / (out[out.length - 2] as number);
  return 0;
}

/** GF/s of a product of two matrices, best of several. */
function matrixRate(): number {
  const size = tf.getBackend() === 'tensorflow' ? 1024 : 256;
  const a = tf.ones([size, size]) as tf.Tensor2D;
  let best = Number.POSITIVE_INFINITY;
  for (let k = 0; k < 8; k++) {
    const start = performance.now();
    tf.tidy(() => tf.slice(tf.matMul(a, a), [0, 0], [1, 1]).dataSync());
    best = Math.min(best, performance.now() - start);
  }
  a.dispose();
  return (2 * size ** 3) / best / 1e6;
}

function nameOf(config: ModelConfig, options: Options): string {
  return config.family === 'glow'
    ? `glow K=${config.K} h=${config.hidden}`
    : `${config.family} ${options.preset}`;
}

/** Arguments of every row of the table. */
function tableRows(kind: Kind | undefined, family: Family | undefined): string[][] {
  const models = [
    ['glow', '--K', '8', '--hidden', '64'],
    ['glow', '--K', '32', '--hidden', '512'],
    ['diffusion', '--preset', 'paper'],
    ['vae', '--preset', 'paper'],
  ].filter(([name]) => family === undefined || name === family);
  const kinds = [['features', '--B', '1'], ['features', '--B', '5'], ['training'], ['fim']].filter(
    ([name]) => kind === undefined || name === kind,
  );
  return models.flatMap(([name = '', ...size]) =>
    kinds.flatMap(([what = '', ...more]) =>
      // Groups of five make whole batches of 15, 30 and 125.
      [1, 16, 32, 128]
        .filter((batch) => batch > 1 || !more.includes('5'))
        .map((batch) => [
          what,
          name,
          ...size,
          ...more,
          '--batch',
          `${more.includes('5') ? batch - (batch % 5) : batch}`,
        ]),
    ),
  );
}

/**
 * Peak memory is the process's, so each row has its own. Null, and a line that says so, where it
 * failed.
 */
function inItsOwnProcess(rest: readonly string[]): BenchResult | null {
  const child = spawnSync(
    process.execPath,
    [...process.execArgv, process.argv[1] as string, 'bench', ...rest, '--json'],
    {
      encoding: 'utf8',
    },
  );
  if (child.status === 0)
    return JSON.parse(child.stdout.trim().split('\n').pop() as string) as BenchResult;
  console.log(`${rest.join(' ')}: ${child.signal ?? child.stderr.trim().split('\n').pop()}`);
  return null;
}

const HEADER =
  'what      model              B  batch  images  tensors  ms/image  CPU ms/image   GF/s  share  peak MB';

function row(result: BenchResult): string {
  const {
    kind,
    model,
    B,
    batch,
    images,
    tensors,
    ms_per_image,
    cpu_ms_per_image,
    gflops,
    share,
    peak_mb,
  } = result;
  const cells: [string | number, number][] = [
    [B, 3],
    [batch, 7],
    [images, 8],
    [tensors, 9],
    [ms_per_image, 10],
    [cpu_ms_per_image, 14],
    [Math.round(gflops), 7],
    [`${Math.round(100 * share)} %`, 7],
    [peak_mb, 9],
  ];
  return (
    kind.padEnd(10) +
    model.padEnd(17) +
    cells.map(([cell, width]) => String(cell).padStart(width)).join('')
  );
}

/** To four significant digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
