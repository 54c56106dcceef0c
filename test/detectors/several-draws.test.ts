import assert from 'node:assert/strict';
import { errorOfDraws, meanOverDraws } from '../../src/detectors/index';
import { normals } from '../../src/numerics/random';

/** A table of one column, `draws` rows an image. */
const table = (values: Float64Array) => ({
  rows: values.length,
  batchSize: 1,
  columns: [{ feature: 'log-likelihood', values }],
});

describe('several draws of noise', () => {
  it('become one row per image, their mean', () => {
    const given = table(Float64Array.of(1, 2, 6, 10, 20, 60));
    assert.deepEqual([...(meanOverDraws(given, 3).columns[0]?.values ?? [])], [3, 30]);
    assert.deepEqual([...(meanOverDraws(given, 3, 2).columns[0]?.values ?? [])], [1.5, 15]);
    assert.equal(meanOverDraws(given, 3).rows, 2);
  });

  it('leave a score that is a mean with the standard error of a mean', () => {
    const draws = 8;
    const values = Float64Array.from(normals(3, 5 * draws));
    const errors = errorOfDraws(
      table(values),
      draws,
      (rows) => rows.columns[0]?.values ?? new Float64Array(0),
    );
    errors.forEach((error, k) => {
      const own = values.subarray(k * draws, (k + 1) * draws);
      const centre = own.reduce((a, b) => a + b) / draws;
      const variance = own.reduce((sum, x) => sum + (x - centre) ** 2, 0) / (draws - 1);
      // Of a mean the jackknife gives σ̂/√D exactly; float64 rounds.
      assert.ok(Math.abs(error - Math.sqrt(variance / draws)) < 1e-12);
    });
  });

  it('give no standard error for a single draw', () => {
    assert.deepEqual(
      [...errorOfDraws(table(new Float64Array(4)), 1, () => new Float64Array(4))],
      [0, 0, 0, 0],
    );
  });
});
