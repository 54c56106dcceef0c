import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Tensor } from '@tensorflow/tfjs';
import { startBackend, tf } from '../../src/backend/start';
import type { FeatureTable } from '../../src/detectors/table';
import { extractTables } from '../../src/features/extract';
import { LayerFeatures } from '../../src/features/layer-features';
import { entryOf, FEATURES, featuresOf } from '../../src/features/registry';
import { featureTables, type TableOptions, tablesOf } from '../../src/features/tables';
import { defineFeature, type Feature } from '../../src/gradients/features';
import { disposeModel, type LoadedModel } from '../../src/models/checkpoint';
import { Diffusion } from '../../src/models/diffusion/diffusion';
import { Glow } from '../../src/models/glow/glow';
import type { CheckpointHeader } from '../../src/models/header';
import { ordinaryModel } from '../../src/models/ordinary';
import { Vae } from '../../src/models/vae/vae';
import { looking } from '../support/looking';
import { images, shaken } from '../support/tiny';

const SHAPE = [4, 4, 1] as const;
const HEADER = { data: { name: 'mine' }, training: {}, config: {} } as CheckpointHeader;

describe('tables of features', () => {
  let cache: string;
  let loaded: LoadedModel;
  let passes = 0;
  const data = images('a', 20, SHAPE, 1);
  const options = (features: TableOptions['features'] = []) => ({
    batchSizes: [1, 5],
    seed: 3,
    cache,
    features,
  });
  const reference = { images: images('familiar', 10, SHAPE, 5), seed: 9, words: 'familiar ones' };

  before(async () => {
    await startBackend();
    const model = shaken(
      new Glow({ family: 'glow', imageShape: SHAPE, K: 1, L: 1, hidden: 3, seed: 1 }),
    );
    const { gradients } = model;
    model.gradients = (...given) => {
      passes++;
      return gradients.apply(model, given);
    };
    loaded = { name: 'tiny', model, checksum: 'abc', header: HEADER };
  });
  after(() => disposeModel(loaded.model));
  beforeEach(() => {
    cache = mkdtempSync(path.join(tmpdir(), 'fisherlab-tables-'));
    passes = 0;
  });
  afterEach(() => rmSync(cache, { recursive: true }));

  const made = async (feature: Feature) => {
    passes = 0;
    const [table] = (await tablesOf(loaded, data, options([feature]))) as [FeatureTable];
    const columns = table.columns.filter((column) => column.feature === feature.name);
    assert.ok(columns.length > 0);
    return { values: columns.map(({ values }) => Array.from(values)), passes };
  };
  const files = () => readdirSync(cache).length;

  describe('of your own features', () => {
    const largest = () =>
      defineFeature({
        name: 'mine',
        ofLayer: (x, dy, engine) =>
          engine.max(engine.abs(engine.matMul(x as never, dy as never, true)), [1, 2]),
      });

    it('are read from the cache if text and options are the same, even if the feature was defined again', async () => {
      const first = await made(largest());
      assert.ok(first.passes > 0);
      assert.equal(files(), 4, 'squared norms and the feature, two batch sizes');
      const again = await made(largest());
      assert.deepEqual(again, { ...first, passes: 0 });
    });

    it('are computed again if the body was edited but not the name', async () => {
      const first = await made(largest());
      const edited = await made(
        defineFeature({
          name: 'mine',
          ofLayer: (x, dy, engine) =>
            engine.min(engine.abs(engine.matMul(x as never, dy as never, true)), [1, 2]),
        }),
      );
      assert.ok(edited.passes > 0);
      const [table] = await extractTables(loaded.model, data, {
        batchSizes: [1],
        seed: 3,
        features: [
          { name: 'mine', of: (g, B) => tf.min(tf.abs(g.instantiate(B)), 1) }, // by another way
        ],
      });
      edited.values.forEach((column, j) => {
        column.forEach((value, row) => {
          const expected = table?.columns[j + 1]?.values[row] as number;
          assert.ok(
            Math.abs(value - expected) <= 1e-5 * Math.abs(expected),
            `${value} ${expected}`,
          );
        });
      });
      assert.notDeepEqual(edited.values, first.values);
    });

    it('are computed again if an option was changed', async () => {
      const power = (p: number) =>
        defineFeature({
          name: 'power',
          options: { p, nested: { names: ['a'] } },
          ofLayer: (x, _dy, _tf, given) => x.abs().pow(given.p).sum([1, 2]),
        });
      const [two, three] = [await made(power(2)), await made(power(3))];
      assert.ok(three.passes > 0);
      assert.notDeepEqual(two.values, three.values);
      assert.deepEqual(await made(power(2)), { ...two, passes: 0 });
    });

    it('stay in this process if the function uses an outside name, and are still right', async () => {
      const times = (factor: number) =>
        defineFeature({ name: 'outside', ofLayer: (x) => x.sum([1, 2]).mul(factor) });
      const [one, two] = [times(1), times(2)];
      const [ofOne, ofTwo] = [await made(one), await made(two)];
      assert.equal(files(), 2, 'the squared norms alone');
      assert.deepEqual(
        ofTwo.values,
        ofOne.values.map((column) => column.map((value) => 2 * value)),
      );
      assert.deepEqual(await made(one), { ...ofOne, passes: 0 });
      assert.ok((await made(times(1))).passes > 0, 'defined anew');
    });

    it('stay in this process if the function checks whether an outside name exists', async () => {
      const factor = 2;
      const sly = await made(
        defineFeature({
          name: 'sly',
          ofLayer: (x) =>
            typeof factor === 'undefined' ? x.sum([1, 2]) : x.sum([1, 2]).mul(factor),
        }),
      );
      const plain = await made(defineFeature({ name: 'plain', ofLayer: (x) => x.sum([1, 2]) }));
      assert.deepEqual(
        sly.values,
        plain.values.map((column) => column.map((value) => 2 * value)),
      );
      assert.equal(files(), 4, 'squared norms and the plain one');
    });

    it('stay in this process if the recompiled function fails only on some layers', async () => {
      const factor = 2;
      const seldom = defineFeature({
        name: 'seldom',
        ofLayer: (x) => ((x.shape[1] as number) > 3 ? x.sum([1, 2]).mul(factor) : x.sum([1, 2])),
      });
      const { values } = await made(seldom);
      assert.equal(files(), 2);
      const [table] = await extractTables(loaded.model, data, {
        batchSizes: [1],
        seed: 3,
        features: [seldom],
      });
      assert.deepEqual(
        values,
        table?.columns.slice(1).map((column) => Array.from(column.values)),
      );
    });
  });

  it('fit a feature once for all sets, on the reference alone, and not at all if its tables are kept', async () => {
    const sets = [data, images('b', 20, SHAPE, 2)];
    const given = { ...options(['diagonal-fisher-norm']), reference };
    await tablesOf(loaded, data, { ...given, features: [], seed: 8 }); // measures the model, once
    passes = 0;
    const before = tf.memory().numTensors;
    const tables = await featureTables(loaded, sets, given);
    assert.equal(tf.memory().numTensors, before);
    const both = passes;
    assert.deepEqual(await featureTables(loaded, sets, given), tables);
    assert.equal(passes, both, 'nothing was computed again');
    await featureTables(loaded, sets, {
      ...given,
      reference: { ...reference, images: images('other', 10, SHAPE, 6) },
    });
    assert.equal(passes, both + both, 'one fit and a pass for each set, again');
    passes = 0;
    await featureTables(loaded, [sets[0] as typeof data], { ...given, seed: 4 });
    const pass = both - passes; // of one set
    assert.equal(both, 1 + 2 * pass, 'one fit for two sets');
    // By hand: Σ g²/(d + λ) with d the mean of g² over the reference.
    const layer = loaded.model.layers[0];
    const norms: number[] = [];
    const gradients = (set: typeof data, seed: number) => {
      const rows: number[][] = [];
      const indices = [...Array(set.count).keys()];
      const pixels = tf.tensor4d(Float32Array.from(set.images), [set.count, ...SHAPE]);
      const noise = loaded.model.noise(indices, seed);
      loaded.model
        .gradients(
          pixels,
          noise,
          looking((one, factors) => {
            if (one.name === layer?.name)
              rows.push(...(factors.instantiate(1).arraySync() as number[][]));
          }),
        )
        .dispose();
      tf.dispose([pixels, noise]);
      return rows;
    };
    const learnt = gradients(reference.images, 9);
    const d = (learnt[0] as number[]).map(
      (_, i) => learnt.reduce((sum, g) => sum + (g[i] as number) ** 2, 0) / learnt.length,
    );
    const lambda = (0.01 * d.reduce((a, b) => a + b)) / Math.min(learnt.length, d.length);
    for (const g of gradients(data, 3))
      norms.push(g.reduce((sum, x, i) => sum + x ** 2 / ((d[i] as number) + lambda), 0));
    const found = tables[0]?.[0]?.columns.find(
      (column) => column.feature === 'diagonal-fisher-norm' && column.layer === layer?.name,
    );
    norms.forEach((expected, row) => {
      assert.ok(Math.abs((found?.values[row] as number) / expected - 1) < 1e-3);
    });
  });

  it('are computed again when a shipped feature has another version', async () => {
    const features = new LayerFeatures(loaded, options());
    const entry = entryOf('one-norm');
    assert.ok(entry.kind === 'layer');
    await features.tablesOf(data, [entry]);
    const once = passes;
    await features.tablesOf(data, [entry]);
    assert.equal(passes, once);
    await features.tablesOf(data, [{ ...entry, version: entry.version + 1 }]);
    assert.equal(passes, 2 * once);
  });

  it('compute only the new feature', async () => {
    const [first] = await tablesOf(loaded, data, options(['one-norm']));
    const seen: string[] = [];
    const [more] = await tablesOf(loaded, data, {
      ...options(['one-norm', 'log-prior']),
      progress: (set, done, total, what) => seen.push(`${set} ${done}/${total} ${what}`),
    });
    assert.deepEqual(seen, ['a 20/20 log-prior and log-determinant']);
    assert.deepEqual(more?.columns.slice(0, -1), first?.columns);
    assert.equal(more?.columns.at(-1)?.feature, 'log-prior');
  });

  describe('that are stopped', () => {
    const stop = new Error('enough');
    const stopped = async (
      features: TableOptions['features'],
      when: (what: string, set: string, done: number) => boolean,
      run: (given: TableOptions) => Promise<unknown>,
    ) => {
      const controller = new AbortController();
      const before = tf.memory().numTensors;
      const given: TableOptions = {
        ...options(features),
        reference,
        signal: controller.signal,
        progress: (set, done, _, what) => {
          if (when(what, set, done)) controller.abort(stop);
        },
      };
      await assert.rejects(run(given), (error) => error === stop);
      assert.equal(tf.memory().numTensors, before, 'no tensor is left');
    };
    const sets = [data, images('b', 20, SHAPE, 2), images('c', 200, SHAPE, 3)];

    it('end between two passes with the reason of the signal, and keep finished tables complete', async () => {
      await stopped(
        ['diagonal-fisher-norm'],
        (_, set) => set === 'b',
        (given) => featureTables(loaded, sets, given),
      );
      assert.equal(files(), 2 * 2, 'of the first set');
      passes = 0;
      await tablesOf(loaded, data, { ...options(['diagonal-fisher-norm']), reference });
      assert.equal(passes, 0);
    });

    it('end in the middle of a statistic and keep nothing of it', async () => {
      let chunks = 0;
      await stopped(
        ['log-prior', 'complexity-bits'],
        (what, set) => what.startsWith('log-prior') && set === 'c' && ++chunks === 2,
        (given) => featureTables(loaded, sets, given),
      );
      assert.equal(chunks, 2, 'of four');
      assert.equal(files(), 3 * 2 + 2, 'norms of three sets, parts of two');
    });

    it('do not start if they were stopped before', async () => {
      const signal = AbortSignal.abort(stop);
      for (const run of [
        () => extractTables(loaded.model, data, { batchSizes: [1], seed: 1, signal }),
        () => tablesOf(loaded, data, { ...options(['damped-fisher-norm']), reference, signal }),
      ])
        await assert.rejects(run(), (error) => error === stop);
      assert.deepEqual([passes, files()], [0, 0]);
    });
  });

  describe('know what a model can have', () => {
    const config = { imageShape: [8, 8, 1], seed: 1 } as const;
    const has = (model: LoadedModel['model']) => {
      const names = featuresOf({ ...loaded, model });
      disposeModel(model);
      return names.filter((name) => entryOf(name).kind === 'image');
    };
    const all = ['input-gradient-norm', 'pixel-statistic'];

    it('by what it can do', () => {
      const posterior = [
        'posterior-cross-entropy',
        'posterior-entropy',
        'divergence',
        'distortion',
        'complexity-bits',
        'likelihood-regret',
      ];
      assert.deepEqual(has(new Glow({ ...config, family: 'glow', K: 1, L: 1, hidden: 2 })), [
        'log-prior',
        'log-determinant',
        'complexity-bits',
        ...all,
      ]);
      assert.deepEqual(has(new Vae({ ...config, family: 'vae', channels: [2], latent: 2 })), [
        ...posterior,
        ...all,
      ]);
      const diffusion = { family: 'diffusion', dim: 8, dimMults: [1], timesteps: 4 } as const;
      assert.deepEqual(has(new Diffusion({ ...config, ...diffusion, timestep: 0 })), [
        'score-norm',
        ...all,
      ]);
    });

    it('so that your own model which splits log p has the two parts, and they add up', async () => {
      const weight = tf.variable(tf.tensor1d([0.5]));
      const half = (images: Tensor): Tensor => images.mul(weight).sum([1, 2, 3]);
      const ofOnesOwn = ordinaryModel({
        family: 'linear',
        imageShape: SHAPE,
        variables: { weight },
        logLikelihood: (images) => half(images).add(images.sum([1, 2, 3])),
      });
      const parts = (images: Tensor) => ({ prior: half(images), logDet: images.sum([1, 2, 3]) });
      const model = Object.assign(ofOnesOwn, { parts }) as unknown as LoadedModel['model'];
      const own = { ...loaded, checksum: 'linear', model };
      assert.ok(featuresOf(own).includes('log-prior') && !featuresOf(own).includes('divergence'));
      const [table] = await tablesOf(own, data, options(['log-prior', 'log-determinant']));
      const values = (feature: string) =>
        table?.columns.find((column) => column.feature === feature)?.values as Float64Array;
      values('log-likelihood').forEach((whole, row) => {
        const sum =
          (values('log-prior')[row] as number) + (values('log-determinant')[row] as number);
        assert.ok(whole > 0 && Math.abs(sum / whole - 1) < 1e-5);
      });
      weight.dispose();
    });

    it('and say what it cannot do, before anything is computed', async () => {
      await assert.rejects(
        tablesOf(loaded, data, options(['one-norm', 'score-norm'])),
        /the glow model 'tiny' has no score-norm; leave it out/,
      );
      await assert.rejects(
        tablesOf(loaded, data, options(['two-norm'])),
        /feature 'two-norm' is not known; choose one of squared-norm, one-norm/,
      );
      assert.deepEqual([passes, files()], [0, 0]);
    });

    it('under names that are all different', () => {
      assert.equal(new Set(FEATURES.map(({ name }) => name)).size, FEATURES.length);
    });
  });
});
