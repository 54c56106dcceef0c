import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { startBackend } from '../../src/backend/start';
import { dataset } from '../../src/data/dataset';
import { npyHeader } from '../../src/data/npy';
import type { FeatureTable, NamedTable } from '../../src/detectors/table';
import { auroc } from '../../src/evaluation/metrics';
import { halves, scoreSplit } from '../../src/evaluation/protocol';
import { type AblationPoint, plain } from '../../src/experiments/ablation-points';
import { ablations, allTables, averaged } from '../../src/experiments/ablations';
import { MAIN_METHODS } from '../../src/experiments/first-experiment';
import { paperTimesteps } from '../../src/experiments/paper-known';
import { type ModelResults, modelResults } from '../../src/experiments/paper-tables';
import { overFitSizes, overLayers, roundNumbers } from '../../src/experiments/random-subsets';
import { setsFor } from '../../src/experiments/sets-to-try';
import { summarise } from '../../src/experiments/summary';
import { ablationFigure } from '../../src/experiments/tables-figures';
import { disposeModel, type LoadedModel, loadModel } from '../../src/models/checkpoint';
import { Diffusion } from '../../src/models/diffusion/diffusion';
import { normals } from '../../src/numerics/random';
import { HEADER, images, saveTinyGlow, shaken } from '../support/tiny';

describe('the results of a model', () => {
  let folder: string;
  let loaded: LoadedModel;
  let results: ModelResults;
  const options = {
    batchSizes: [1, 5],
    seed: 3,
    protocol: 'halves',
    limit: 40,
    sets: ['fashion_mnist', 'mnist', 'omniglot'],
  } as const;
  before(async () => {
    await startBackend();
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-paper-'));
    await saveTinyGlow(path.join(folder, 'tiny.safetensors'));
    loaded = loadModel(path.join(folder, 'tiny.safetensors'));
    results = await modelResults(loaded, { ...options, cache: folder });
  });
  after(() => {
    disposeModel(loaded.model);
    rmSync(folder, { recursive: true });
  });

  it('have a row for every pair, batch size and method that finds its columns, and say why the others are left out', () => {
    const methods = new Set(results.rows.map(({ method }) => method));
    for (const method of [
      'likelihood',
      'layer-wise gradients',
      'DoSE',
      'input complexity',
      'score statistic + typicality',
    ]) {
      assert.ok(methods.has(method), method);
    }
    for (const method of methods) {
      const own = results.rows.filter((row) => row.method === method);
      const sizes = [1, 5].filter(
        (B) => !results.without.some((one) => one.method === method && one.batchSize === B),
      );
      assert.deepEqual(
        own.map(({ out, batchSize, inCount, outCount }) => [out, batchSize, inCount, outCount]),
        sizes.flatMap((B) => ['mnist', 'omniglot'].map((out) => [out, B, 20 / B, 40 / B])),
      );
    }
    assert.match(
      results.without.find(({ method }) => method === 'likelihood regret')?.why ?? '',
      /there is no likelihood-regret/,
    );
    assert.match(results.diagonalFisherFrom ?? '', /fashion_mnist/);
  });

  it('are reproduced from the stored tables alone, to the last digit', async () => {
    let steps = 0;
    const again = await modelResults(loaded, {
      ...options,
      cache: folder,
      progress: (what) => {
        if (!what.includes('scores')) steps++;
      },
    });
    assert.equal(steps, 0);
    assert.deepEqual({ ...again, seconds: 0 }, { ...results, seconds: 0 });
  });

  it('compare every method with typicality by the difference of the AUROCs in the rows', () => {
    for (const { batchSize, methods } of results.comparisons) {
      const value = (method: string, out: string) =>
        results.rows.find(
          (row) => row.batchSize === batchSize && row.method === method && row.out === out,
        )?.auroc.value as number;
      assert.ok(methods.length > 10);
      for (const { candidate, pairs, mean, resampled } of methods) {
        const differences = pairs.map(({ out, value: difference }) => {
          assert.ok(
            Math.abs(difference - (value(candidate, out) - value('typicality', out))) < 2e-6,
          );
          return difference;
        });
        assert.ok(Math.abs(mean.value - differences.reduce((a, b) => a + b) / 2) < 1e-9);
        // The resamples that families average are those the interval was made of.
        const inside = resampled.filter(
          (d) => d / 1e5 >= mean.low - 1e-5 && d / 1e5 <= mean.high + 1e-5,
        ).length;
        assert.ok(
          resampled.length === 1000 && inside >= 945 && inside <= 1000,
          `${candidate}: ${inside}`,
        );
      }
    }
  });

  it('of the held-out protocol are fitted on the last training images, and only on those the model was made without', async () => {
    const given = process.env.FISHERLAB_DATA;
    const held = (training: number, heldOut: number) => {
      const parts = [
        images('train', 90, [28, 28, 1], training),
        images('train', 10, [28, 28, 1], heldOut),
      ];
      // 90 + 10 is what the checkpoint says
      put(100, Buffer.concat(parts.map((part) => part.images)));
      const skip = ['diagonal-fisher-norm']; // which does look at the training images
      return modelResults(loaded, {
        ...options,
        batchSizes: [1],
        protocol: 'held-out',
        skip,
        cache: folder,
      });
    };
    const put = (count: number, pixels: Uint8Array) => {
      mkdirSync(path.join(folder, 'fashion_mnist'), { recursive: true });
      const bytes = Buffer.concat([npyHeader([count, 28, 28, 1]), pixels]);
      writeFileSync(path.join(folder, 'fashion_mnist', 'train-images.npy.gz'), gzipSync(bytes));
    };
    process.env.FISHERLAB_DATA = folder;
    try {
      const first = await held(1, 2);
      assert.equal(first.fitImages, 10);
      assert.ok(first.rows.length > 20 && first.rows.every(({ inCount }) => inCount === 40));
      assert.deepEqual((await held(3, 2)).rows, first.rows);
      assert.notDeepEqual((await held(1, 4)).rows, first.rows);
      put(101, images('train', 101, [28, 28, 1], 1).images);
      await assert.rejects(
        modelResults(loaded, { ...options, protocol: 'held-out', cache: folder }),
        /the 10 images held out of 100 for 'tiny' are not the last of the 101 training images/,
      );
    } finally {
      if (given === undefined) delete process.env.FISHERLAB_DATA;
      else process.env.FISHERLAB_DATA = given;
    }
  });

  it('cover the sets of the model’s kind on this machine, its own first', () => {
    const { sets, missing } = setsFor('mnist');
    assert.equal(sets[0], 'mnist');
    assert.deepEqual([...sets, ...missing].sort(), [
      'emnist_letters',
      'fashion_mnist',
      'kmnist',
      'mnist',
      'omniglot',
    ]);
    assert.ok(!setsFor('cifar10').sets.includes('mnist'));
  });

  it('make a family’s table with each model in its row, and a mean over all pairs', () => {
    const other = (factor: number): ModelResults => ({
      ...results,
      in: 'mnist',
      rows: results.rows
        .filter(({ out }) => out === 'omniglot')
        .map((row) => ({ ...row, in: 'mnist', auroc: { ...row.auroc, value: factor } })),
      comparisons: results.comparisons.map((one) => ({
        ...one,
        methods: one.methods.map((method) => ({
          ...method,
          pairs: method.pairs.slice(0, 1),
          mean: { ...method.mean, value: 0.4 },
          resampled: method.resampled.map(() => 40_000),
          wins: 1,
          draws: 0,
          losses: 0,
        })),
      })),
    });
    const { families, missing } = summarise([results, other(0.25)]);
    assert.deepEqual(
      families.map(({ family, kind, batchSize }) => [family, kind, batchSize]),
      [
        ['glow', 'grey', 1],
        ['glow', 'grey', 5],
      ],
    );
    const method = families[0]?.methods.find((one) => one.method === 'layer-wise gradients');
    const row = (out: string) =>
      results.rows.find(
        (one) => one.batchSize === 1 && one.method === 'layer-wise gradients' && one.out === out,
      )?.auroc.value as number;
    assert.deepEqual(method?.auroc[0], [null, row('mnist'), null, null, row('omniglot')]);
    assert.deepEqual(method?.auroc[1], [null, null, null, null, 0.25]);
    assert.ok(
      Math.abs((method?.mean as number) - (row('mnist') + row('omniglot') + 0.25) / 3) < 1e-12,
    );
    const own = results.comparisons[0]?.methods.find(
      ({ candidate }) => candidate === 'layer-wise gradients',
    );
    // Two pairs of one model weigh twice the one pair of the other.
    assert.ok(
      Math.abs(
        (method?.against?.mean.value as number) - (2 * (own?.mean.value as number) + 0.4) / 3,
      ) < 1e-12,
    );
    assert.ok(
      Math.abs((method?.against?.mean.low as number) - (2 * (own?.mean.low as number) + 0.4) / 3) <
        2e-5,
    );
    assert.equal(method?.against?.wins, (own?.wins as number) + 1);
    assert.ok(missing.includes('vae-cifar10') && !missing.includes('glow-mnist'));
    assert.throws(() => summarise([results, results]), /two results of glow-fashion_mnist/);
  });
});

describe('ablations', () => {
  before(startBackend);

  /** Layers of which the first is the only one that tells the sets apart, and one is constant. */
  function tables(rows: number): NamedTable[] {
    const made = (seed: number, shift: number): FeatureTable => ({
      rows,
      batchSize: 1,
      columns: [
        { feature: 'log-likelihood', values: Float64Array.from(normals(seed, rows)) },
        ...[0, 1, 2, 3].map((layer) => ({
          feature: 'squared-norm',
          layer: `layer ${layer}`,
          size: 3,
          values: Float64Array.from(normals(seed * 10 + layer, rows), (x) =>
            layer === 3 ? 1 : Math.exp(x + (layer === 0 ? shift : 0)),
          ),
        })),
      ],
    });
    return [
      { name: 'own', table: made(1, 0) },
      { name: 'other', table: made(2, 6) },
    ];
  }

  it('of layers give the middle of random subsets, and with all layers the detector itself', () => {
    const given = tables(200);
    const points = overLayers(given, 4);
    assert.deepEqual(
      points.map(({ x }) => x),
      [1, 2, 3],
    );
    const whole = scoreSplit(
      halves((given[0] as NamedTable).table),
      given.slice(1),
      'layer-wise gradients',
      4,
    );
    assert.equal(points[2]?.auroc.value, auroc(whole.in, whole.out[0]?.scores as Float64Array));
    // One layer in three finds the other set; of single layers most do not.
    assert.ok((points[0]?.auroc.low as number) < 0.6 && (points[0]?.auroc.high as number) > 0.99);
    assert.ok((points[0]?.auroc.value as number) < (points[1]?.auroc.value as number));
  });

  it('of the fit set end with the whole half, and vary less with more fit batches', () => {
    const given = tables(200);
    const points = overFitSizes(given, 4).filter(({ method }) => method === 'typicality');
    assert.deepEqual(
      points.map(({ x }) => x),
      [5, 10, 20, 50, 100],
    );
    const spread = points.map(({ auroc: { low, high } }) => high - low);
    assert.ok((spread[0] as number) > (spread[3] as number), String(spread));
    const whole = scoreSplit(
      halves((given[0] as NamedTable).table),
      given.slice(1),
      'typicality',
      4,
    );
    assert.equal(points[4]?.auroc.value, auroc(whole.in, whole.out[0]?.scores as Float64Array));
  });

  it('of a diffusion model look at each timestep, at its own as the tables do', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-ablations-'));
    const config = {
      family: 'diffusion',
      imageShape: [32, 32, 1],
      dim: 8,
      dimMults: [1, 1, 1],
      timesteps: 5,
      timestep: 0,
      seed: 1,
    } as const;
    const model = shaken(new Diffusion(config));
    const header = {
      ...HEADER,
      data: { name: 'fashion_mnist', images: 90, validation: 10 },
      config,
      curve: [],
      commit: 'none',
    };
    const loaded: LoadedModel = { name: 'tiny', model, header, checksum: 'tiny' };
    const options = {
      seed: 1,
      images: 20,
      batchSizes: [1],
      sizes: [1],
      draws: [1, 2],
      cache: folder,
    };
    const results = await ablations(loaded, ['fashion_mnist', 'mnist'], options);
    assert.deepEqual([...new Set(results.timesteps.map(({ x }) => x))], [1, 2, 4]);
    const at = (points: readonly AblationPoint[], x: number) =>
      points.filter((point) => point.x === x).map(({ auroc }) => auroc.value);
    assert.deepEqual(at(results.timesteps, 1), at(results.batchSizes, 1));
    const later: LoadedModel = { ...loaded, model: model.atTimestep(3), checksum: 'later' };
    const sets = await Promise.all(
      ['fashion_mnist', 'mnist'].map((name) => dataset(name, 'test', { limit: options.images })),
    );
    const [tables] = await allTables(later, sets, [1], options);
    assert.deepEqual(
      at(results.timesteps, 4),
      at(plain(tables as NamedTable[], MAIN_METHODS, 4, options.seed), 4),
    );
    assert.deepEqual(at(results.noiseDraws, 1), at(results.batchSizes, 1));
    disposeModel(model);
    rmSync(folder, { recursive: true });
  });

  it('of timesteps come with the paper’s averages', () => {
    const known = paperTimesteps('layer-wise gradients');
    // Doubling timesteps; typicality overtakes the paper's detector only where the noise is large.
    assert.deepEqual(
      known.map(({ x }) => x),
      known.map((_, k) => 2 ** k),
    );
    const typical = paperTimesteps('typicality');
    assert.ok(
      known.every(
        ({ auroc, x }, k) => auroc.value > (typical[k] as AblationPoint).auroc.value === x < 512,
      ),
    );
    const own: AblationPoint = { ...(known[0] as AblationPoint), out: 'mnist' };
    const { data } = ablationFigure([own, ...known], {
      title: '',
      x: 'T',
      method: 'layer-wise gradients',
      batchSize: 5,
    });
    const [, line] = data.filter(({ name }) => name !== undefined && name !== '');
    assert.deepEqual(
      [line?.name, line?.y],
      ['mean of 20 pairs in the paper', known.map(({ auroc }) => auroc.value)],
    );
  });

  it('of noise average tables number by number', () => {
    const table = (value: number): FeatureTable => ({
      rows: 2,
      batchSize: 1,
      columns: [{ feature: 'a', values: Float64Array.of(value, 2 * value) }],
    });
    assert.deepEqual([...(averaged([table(1), table(4)]).columns[0]?.values ?? [])], [2.5, 5]);
  });

  it('go through round numbers', () => {
    assert.deepEqual(roundNumbers(345), [1, 2, 5, 10, 20, 50, 100, 200, 345]);
    assert.deepEqual(roundNumbers(5, 5), [5]);
  });
});
