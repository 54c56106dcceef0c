import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { startBackend } from '../../src/backend/start';
import type { Images } from '../../src/data/dataset';
import { type ImageRow, rowOf } from '../../src/data/image-row';
import { detector } from '../../src/detectors/catalogue';
import { type FeatureTable, sliceRows } from '../../src/detectors/table';
import { detectInTables, type ScoredBatch } from '../../src/experiments/table-detection';
import { extractTables } from '../../src/features/extract';
import { type FeatureFilesOptions, makeFeatureFiles } from '../../src/features/feature-files';
import { mergeShards } from '../../src/features/merge';
import { processorKind } from '../../src/features/processor';
import { partsOf } from '../../src/features/shards';
import { TableFile } from '../../src/features/table-file';
import { disposeModel, type LoadedModel } from '../../src/models/checkpoint';
import { createModel, preset } from '../../src/models/families';
import { images, shaken } from '../support/tiny';

const SHAPE = [16, 16, 1] as const;
/** Three parts: 240, 240 and 23 images. */
const COUNT = 503;

function loaded(name: string, seed: number): LoadedModel {
  const model = shaken(createModel(preset('vae', 'small', [16, 16, 1], seed)));
  return { name, model, header: {} as LoadedModel['header'], checksum: `weights ${seed}` };
}

describe('shards', () => {
  it('contain every image once, in order, in whole parts, for any number of shards', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 20 }),
        (n, wanted) => {
          const cut = 240;
          const count = Math.min(wanted, Math.ceil(n / cut));
          const parts = Array.from({ length: count }, (_, index) =>
            partsOf({ index, count }, n, cut),
          );
          assert.ok(parts.every(({ length }) => length > 0));
          const edges = parts.flat().flatMap(({ from, to }) => [from, to]);
          assert.deepEqual([edges[0], edges.at(-1)], [0, n]);
          for (let k = 1; k + 1 < edges.length; k += 2) {
            assert.equal(edges[k], edges[k + 1]);
            assert.equal((edges[k] as number) % cut, 0);
          }
        },
      ),
    );
    assert.throws(
      () => partsOf({ index: 0, count: 4 }, 503, 240),
      /503 images have 3 parts of 240, too few for 4 shards; ask for 3 shards at most/,
    );
  });
});

describe('files of features', () => {
  const set = images('noise', COUNT, SHAPE, 1);
  let folder: string;
  let model: LoadedModel;
  let other: LoadedModel;
  before(async () => {
    await startBackend();
    [model, other] = [loaded('one', 1), loaded('other', 2)];
  });
  after(() => {
    disposeModel(model.model);
    disposeModel(other.model);
  });
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'fisherlab-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const options = (to: string): FeatureFilesOptions => ({
    folder: path.join(folder, to),
    batchSizes: [1, 5],
    seed: 3,
  });
  const make = (
    to: string,
    more: Partial<FeatureFilesOptions> = {},
    models = [model],
    data: Images = set,
  ) =>
    makeFeatureFiles(
      models.map((one) => ({ asked: one.name, loaded: one })),
      [{ images: rowOf(data), in: [data.name] }],
      { ...options(to), ...more },
    );
  const shard = (index: number, count: number) => ({ shard: { index, count } });

  it('have the numbers of extractTables, with the first image of every batch', async () => {
    const tables = await extractTables(model.model, set, { batchSizes: [1, 5], seed: 3 });
    const files = await make('whole');
    assert.deepEqual(
      files.map((file) => path.basename(file)),
      ['one.noise.B1.parquet', 'one.noise.B5.parquet'],
    );
    for (const [b, file] of files.entries()) {
      const pieces = [];
      for await (const piece of (await TableFile.open(file)).pieces()) pieces.push(piece);
      assert.equal(pieces.length, 1);
      assert.deepEqual(pieces[0]?.table, tables[b]);
      const B = [1, 5][b] as number;
      assert.deepEqual(
        pieces[0]?.images,
        Array.from({ length: Math.floor(COUNT / B) }, (_, k) => k * B),
      );
    }
  });

  it('merged from shards equal those of a single run, byte for byte, also for several models at once', async () => {
    const single = [...(await make('single')), ...(await make('single', {}, [other]))];
    for (const index of [2, 0, 1]) await make('shards', shard(index, 3), [model, other]);
    const merged = await mergeShards(path.join(folder, 'shards'));
    assert.deepEqual(
      merged.map(({ rows, shards }) => [rows, shards]),
      [
        [503, 3],
        [100, 3],
        [503, 3],
        [100, 3],
      ],
    );
    for (const [k, { file }] of merged.entries())
      assert.ok((await readFile(file)).equals(await readFile(single[k] as string)), file);
    assert.deepEqual((await readdir(path.join(folder, 'shards'))).sort(), [
      ...single.map((file) => path.basename(file)),
      'shards',
    ]);
  });

  it('of several models take each part of the images before the next one', async () => {
    const seen: string[] = [];
    const progress = (what: string, n: number) => seen.push(`${what.split(' ')[2]} ${n}`);
    await make('order', { progress }, [model, other]);
    const ends = seen.filter((line, k) => line !== seen[k - 1] && / (240|480|503)$/.test(line));
    assert.deepEqual(
      ends,
      [240, 480, 503].flatMap((n) => [`one ${n}`, `other ${n}`]),
    );
  });

  it('record the kinds of processors they were made on, and can still be joined', async () => {
    for (const index of [0, 1, 2]) await make('kinds', shard(index, 3));
    const here = processorKind();
    const file = path.join(folder, 'kinds', 'shards', 'one.noise.B5.shard-1-of-3.parquet');
    const bytes = await readFile(file);
    const elsewhere = 'Z'.repeat(here.length); // as long, so that nothing else moves
    await writeFile(file, bytes.toString('latin1').replace(here, elsewhere), 'latin1');
    const merged = await mergeShards(path.join(folder, 'kinds'));
    assert.deepEqual(
      merged.map(({ processors }) => processors),
      [[here], [here, elsewhere].sort()],
    );
    const { origin } = await TableFile.open(merged[1]?.file as string);
    assert.deepEqual(origin.processors, merged[1]?.processors);
  });

  it('equal those of a single run even if some images cannot be used or a part has no whole batch', async () => {
    const gap = 240 + 7;
    const row = rowOf(set);
    const holed: ImageRow = {
      ...row,
      async *parts(ranges) {
        for await (const part of row.parts(ranges)) {
          const kept = part.places.filter((place) => place !== gap);
          const pixels = kept.map((place) => place - (part.places[0] as number));
          yield {
            ...part,
            count: kept.length,
            places: kept,
            images: Uint8Array.from(
              pixels.flatMap((k) => [...part.images.subarray(k * 256, (k + 1) * 256)]),
            ),
          };
        }
      },
    };
    const of = (to: string, more: Partial<FeatureFilesOptions>) =>
      makeFeatureFiles([{ asked: 'one', loaded: model }], [{ images: holed, in: ['noise'] }], {
        ...options(to),
        batchSizes: [1, 30],
        ...more,
      });
    const single = await of('single', {});
    for (const index of [0, 1, 2]) await of('shards', shard(index, 3));
    const merged = await mergeShards(path.join(folder, 'shards'));
    for (const [k, { file }] of merged.entries())
      assert.ok((await readFile(file)).equals(await readFile(single[k] as string)), file);
    assert.deepEqual(
      merged.map(({ rows }) => rows),
      [502, 8 + 7], // of 240, 239 and 23 images
    );
    // Every other image has the numbers that it has where none is missing.
    const [table] = await extractTables(model.model, set, { batchSizes: [1], seed: 3 });
    const whole = table?.columns[0]?.values as Float64Array;
    const found = (await (await TableFile.open(single[0] as string)).whole()).columns[0]?.values;
    const expected = [...whole.subarray(0, gap), ...whole.subarray(gap + 1)];
    expected.forEach((value, k) => {
      assert.ok(Math.abs((found?.[k] as number) - value) < 1e-5 * Math.abs(value), `row ${k}`);
    });
  });

  it('resume from the finished parts of a stopped run, and compute no part again', async () => {
    const [expected] = await make('whole');
    const stop = new AbortController();
    await assert.rejects(
      make('stopped', { signal: stop.signal, progress: (_, n) => n >= 480 && stop.abort() }),
      /abort/i,
    );
    const [parts = ''] = await readdir(path.join(folder, 'stopped', 'parts'));
    const kept = await readdir(path.join(folder, 'stopped', 'parts', parts));
    assert.deepEqual(kept.sort(), ['0.B1.parquet', '0.B5.parquet']);
    const seen: number[] = [];
    const [file] = await make('stopped', { progress: (_, n) => seen.push(n) });
    assert.equal(seen[0], 240, 'the first part is not passed over again');
    assert.ok((await readFile(file as string)).equals(await readFile(expected as string)));
    assert.deepEqual((await readdir(path.join(folder, 'stopped'))).sort(), [
      'one.noise.B1.parquet',
      'one.noise.B5.parquet',
    ]);
  });

  it('do not resume from parts of other images', async () => {
    const others = images('noise', COUNT, SHAPE, 2);
    const stop = new AbortController();
    const progress = (_: string, n: number) => n >= 480 && stop.abort();
    await assert.rejects(
      make('half', { signal: stop.signal, progress }, [model], others),
      /abort/i,
    );
    const [expected] = await make('whole');
    const [file] = await make('half');
    assert.ok((await readFile(file as string)).equals(await readFile(expected as string)));
  });

  it('are right when two make the same shard at once, or one makes it twice', async () => {
    const [expected] = await make('whole');
    await Promise.all([make('twice'), make('twice')]);
    const seen: number[] = [];
    const [file] = await make('twice', { progress: (_, n) => seen.push(n) });
    assert.deepEqual(seen, [], 'what is there is not made again');
    assert.ok((await readFile(file as string)).equals(await readFile(expected as string)));
  });

  it('are merged only if all shards exist and match; missing ones are listed with the commands to make them', async () => {
    const to = path.join(folder, 'some');
    await assert.rejects(mergeShards(to), /there are no shards in '.*some'; make them/);
    await make('some', shard(1, 3));
    await assert.rejects(mergeShards(to), (error: Error) => {
      assert.match(error.message, /4 shards are missing: one\.noise\.B1\.shard-0-of-3\.parquet/);
      const commands = error.message.split('\n').slice(1);
      assert.deepEqual(
        commands.map((line) => line.trim()),
        [0, 2].map(
          (k) =>
            `npx fisherlab features --model one --in noise --to ${to} --features squared-norm --batch-sizes 1,5 --seed 3 --shard ${k}/3`,
        ),
      );
      return true;
    });
    await make('some', { ...shard(0, 3), seed: 4 });
    await assert.rejects(mergeShards(to), /were not made from the same things \(seed\); delete/);
  });

  it('are not mistaken for others: another seed needs another folder', async () => {
    await make('whole');
    await assert.rejects(
      make('whole', { seed: 4 }),
      /'.*one\.noise\.B1\.parquet' already exists and was made from something else \(seed\); choose/,
    );
    await assert.rejects(
      make('whole', {}, [model], images('noise', COUNT, SHAPE, 2)),
      /already exists and was made from something else \(pixels\); choose/,
    );
    await writeFile(path.join(folder, 'whole', 'one.noise.B1.parquet'), 'PAR1');
    await assert.rejects(make('whole'), /is not a feature table of this program, or is damaged/);
  });

  it('say what cannot be made: fitted features, features a model lacks, images of another size', async () => {
    await assert.rejects(
      make('no', { features: ['damped-fisher-norm'] }),
      /'damped-fisher-norm' learns from reference images first/,
    );
    await assert.rejects(
      make('no', { features: ['log-prior'] }),
      /the vae model 'one' has no log-prior/,
    );
    await assert.rejects(
      make('no', {}, [model], images('small', 300, [4, 4, 1], 1)),
      /images of 'small' are 4x4x1, and the model 'one' takes 16x16x1/,
    );
  });

  it('can be scored without the model, like tables in memory', async () => {
    const [usual] = await make('whole');
    const strange = images('strange', 300, SHAPE, 9);
    const [given] = await make('whole', {}, [model], strange);
    const [table, other_] = await Promise.all(
      [set, strange].map(
        async (data) =>
          (await extractTables(model.model, data, { batchSizes: [1], seed: 3 }))[0] as FeatureTable,
      ),
    );
    const found: ScoredBatch[] = [];
    const asked = { in: usual as string, features: [given as string], seed: 1 };
    for await (const row of detectInTables({ ...asked, detectors: ['typicality'] }))
      found.push(row);
    const expected = detector('typicality', 1)
      .fit(sliceRows(table as FeatureTable, 0, 252))
      .score(other_ as FeatureTable);
    assert.deepEqual(
      found.map(({ score }) => score),
      [...expected],
    );
    assert.deepEqual([found[7]?.image, found[7]?.B, found[7]?.detector], ['7', 1, 'typicality']);
    const [elsewhere] = await make('seed', { seed: 4 }, [model], strange);
    await assert.rejects(async () => {
      const rows = detectInTables({
        ...asked,
        features: [elsewhere as string],
        detectors: ['typicality'],
      });
      for await (const _ of rows);
    }, /cannot be compared: they differ in seed; make both/);
  });
});
