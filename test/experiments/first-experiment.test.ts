import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startBackend } from '../../src/backend/start';
import {
  experimentRows,
  experimentTables,
  MAIN_METHODS,
} from '../../src/experiments/first-experiment';
import { extractTables } from '../../src/features/extract';
import { tablesOf } from '../../src/features/tables';
import { defineFeature } from '../../src/gradients/features';
import { disposeModel, type LoadedModel } from '../../src/models/checkpoint';
import { Glow } from '../../src/models/glow/glow';
import type { CheckpointHeader } from '../../src/models/header';
import type { TapedModel } from '../../src/models/model';
import { images, shaken } from '../support/tiny';

const SHAPE = [4, 4, 1] as const;

describe('an experiment', () => {
  let cache: string;
  let model: TapedModel;
  let loaded: LoadedModel;
  let passes = 0;
  before(async () => {
    await startBackend();
    model = shaken(new Glow({ family: 'glow', imageShape: SHAPE, K: 1, L: 1, hidden: 3, seed: 1 }));
    const { gradients } = model;
    model.gradients = (...args) => {
      passes++;
      return gradients.apply(model, args);
    };
    loaded = { name: 'tiny', model, checksum: 'abc', header: {} as CheckpointHeader };
  });
  after(() => disposeModel(model));
  beforeEach(() => {
    cache = mkdtempSync(path.join(tmpdir(), 'fisherlab-experiment-'));
    passes = 0;
  });
  afterEach(() => rmSync(cache, { recursive: true }));

  const options = () => ({ batchSizes: [1, 5], seed: 3, cache });
  const data = images('a', 20, SHAPE, 1);

  it('computes a table once: a second call passes nothing through the model and gives the same numbers', async () => {
    assert.deepEqual(readdirSync(cache), []);
    const first = await tablesOf(loaded, data, options());
    assert.ok(passes > 0 && readdirSync(cache).length === 2);
    passes = 0;
    let reported = 0;
    assert.deepEqual(
      await tablesOf(loaded, data, { ...options(), progress: () => reported++ }),
      first,
    );
    assert.deepEqual([passes, reported], [0, 0]);
    assert.deepEqual(first, await extractTables(model, data, options()));
  });

  it('computes again if weights, images, seed or features differ', async () => {
    await tablesOf(loaded, data, options());
    const one = (data.images[0] as number) ^ 1;
    const own = defineFeature({ name: 'own', ofLayer: (x) => x.sum([1, 2]) });
    const features = ['diagonal-fisher-norm'];
    const reference = { images: images('familiar', 6, SHAPE, 7), seed: 1, words: 'familiar ones' };
    for (const [other, set, change] of [
      [{ ...loaded, checksum: 'other' }, data, {}],
      [
        loaded,
        { ...data, images: Uint8Array.from(data.images, (x, k) => (k === 0 ? one : x)) },
        {},
      ],
      [loaded, data, { seed: 4 }],
      [loaded, data, { features: [own] }],
      [loaded, data, { features, reference }],
      [loaded, data, { features, reference: { ...reference, seed: 2 } }],
      [
        loaded,
        data,
        { features, reference: { ...reference, images: images('familiar', 6, SHAPE, 8) } },
      ],
    ] as const) {
      passes = 0;
      await tablesOf(other, set, { ...options(), ...change });
      assert.ok(passes > 0);
    }
    assert.equal(readdirSync(cache).length, 2 * 8);
  });

  it('reports which images come next, even if they turn out not to fit the model', async () => {
    const begun: string[] = [];
    await assert.rejects(
      experimentTables(loaded, ['mnist'], {
        ...options(),
        limit: 10,
        begins: ({ source }) => begun.push(source),
      }),
      /images have shape \[\d+, 32, 32, 1\]; this glow model takes \[N, 4, 4, 1\]/,
    );
    assert.equal(begun.length, 1);
    assert.match(begun[0] as string, /^mnist test: first 10 of [\d,]+ images of /);
  });

  it('that was interrupted keeps finished sets and continues with the rest', async () => {
    await tablesOf(loaded, data, options());
    const second = images('b', 20, SHAPE, 2);
    const interrupted = tablesOf(loaded, second, {
      ...options(),
      progress: () => {
        throw new Error('interrupted');
      },
    });
    await assert.rejects(interrupted, /interrupted/);
    assert.equal(
      readdirSync(cache).length,
      2,
      'the first set, two batch sizes, and no half of the second',
    );
    passes = 0;
    await tablesOf(loaded, data, options());
    assert.equal(passes, 0);
    assert.deepEqual(
      await tablesOf(loaded, second, options()),
      await extractTables(model, second, options()),
    );
  });

  it('computes only the batch size that is missing', async () => {
    const [ones] = await tablesOf(loaded, data, { ...options(), batchSizes: [1] });
    const both = await tablesOf(loaded, data, options());
    assert.equal(readdirSync(cache).length, 2);
    assert.deepEqual(both[0], ones);
    assert.deepEqual(
      both.map((table) => [table.rows, table.batchSize]),
      [
        [20, 1],
        [4, 5],
      ],
    );
  });

  it('names a batch larger than a set', async () => {
    await assert.rejects(
      tablesOf(loaded, data, { ...options(), batchSizes: [21] }),
      /a batch of 21 is larger than the 20 images of 'a'/,
    );
    assert.deepEqual(readdirSync(cache), []);
  });

  it('gives a row for each method, batch size and other set', async () => {
    const bySet = await Promise.all(
      [1, 2, 3].map((seed) => tablesOf(loaded, images(`set ${seed}`, 20, SHAPE, seed), options())),
    );
    const tables = [0, 1].map((b) =>
      bySet.map((made, s) => ({ name: `set ${s + 1}`, table: made[b] as (typeof made)[number] })),
    );
    const rows = experimentRows(loaded, tables, MAIN_METHODS, 3);
    assert.deepEqual(
      new Set(
        rows.map(({ model: name, in: inside, out, batchSize, method }) =>
          [name, inside, out, batchSize, method].join(),
        ),
      ),
      new Set(
        [1, 5].flatMap((B) =>
          MAIN_METHODS.flatMap((method) =>
            ['set 2', 'set 3'].map((out) => ['tiny', 'set 1', out, B, method].join()),
          ),
        ),
      ),
    );
    assert.equal(rows.length, 12);
  });
});
