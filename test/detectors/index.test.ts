import assert from 'node:assert/strict';
import { combiner, DETECTORS, detector } from '../../src/detectors/index';
import type { FeatureTable } from '../../src/detectors/table';
import { auroc } from '../../src/evaluation/metrics';
import { normals } from '../../src/numerics/random';
import { logNormalTable, statistics } from './tables';

/**
 * A table with every column that any detector reads; `shift` moves layers, `fall` lowers
 * log-likelihoods.
 */
function everything(seed: number, shift: number, fall: number): FeatureTable {
  const n = 200;
  const layers = logNormalTable(seed, n, 6, shift).columns.map((column) => ({
    ...column,
    size: 5,
  }));
  const made = (k: number, centre: number) =>
    [...normals(seed * 100 + k, n)].map((x) => centre + x);
  const others = statistics({
    'log-likelihood': made(1, -fall),
    'background-log-likelihood': made(2, 0),
    'complexity-bits': made(3, 0),
    'likelihood-regret': made(4, fall),
    'log-prior': made(5, -fall),
    'log-determinant': made(6, -fall),
    'posterior-cross-entropy': made(7, fall),
    'posterior-entropy': made(8, -fall),
    divergence: made(9, fall),
    distortion: made(10, fall),
    'pixel-statistic': made(11, fall),
  });
  const fisher = layers.map((column) => ({ ...column, feature: 'diagonal-fisher-norm' }));
  const means = layers.map((column) => ({
    ...column,
    feature: 'mean-log-norm',
    values: column.values.map(Math.log),
  }));
  const norms = layers.map((column, k) => ({
    ...column,
    feature: 'score-norm',
    layer: `t=${2 ** k - 1}`,
  }));
  return {
    rows: n,
    batchSize: 1,
    columns: [...layers, ...fisher, ...means, ...norms, ...others.columns],
  };
}

describe('the registry of detectors', () => {
  for (const name of Object.keys(DETECTORS)) {
    it(`has '${name}', which calls itself so and scores batches with larger gradients and less likelihood higher`, () => {
      const made = detector(name, 1);
      assert.equal(made.name, name);
      const fitted = made.fit(everything(1, 0, 0));
      const value = auroc(fitted.score(everything(2, 0, 0)), fitted.score(everything(3, 2, 3)));
      assert.ok(value > 0.8, `AUROC ${value}`);
    });
  }

  it('lists its detectors when asked for an unknown one', () => {
    assert.throws(
      () => detector('magic'),
      /detector 'magic' is not known; choose one of likelihood, typicality, layer-wise gradients/,
    );
    assert.throws(
      () => combiner('magic'),
      /combiner 'magic' is not known; choose one of independent normals/,
    );
    assert.throws(() => detector('toString'), /is not known/);
  });
});
