import assert from 'node:assert/strict';
import { inverse, Matrix } from 'ml-matrix';
import { combine, raw } from '../../src/detectors/combine';
import { standardiseBy } from '../../src/detectors/matrix';
import { nearestNeighbours } from '../../src/detectors/nearest-neighbours';
import { ledoitWolf } from '../../src/detectors/shrunk-gaussian';
import type { Column, FeatureTable } from '../../src/detectors/table';
import { whitenedNeighbours } from '../../src/detectors/whitened-neighbours';
import { normalAt } from '../../src/numerics/random';
import { tableOf } from './tables';

/** Columns that share a factor, which the third has upside down. */
const rows = (seed: number, n: number, d = 4) =>
  tableOf(
    Array.from({ length: n }, (_, i) =>
      Array.from(
        { length: d },
        (_, j) => (j === 2 ? -2 : 2) * normalAt(seed, i) + normalAt(seed + 1, i * d + j),
      ),
    ),
  );
const scores = (whitening: number, fit: FeatureTable, given: FeatureTable, k = 3) =>
  combine([raw('squared-norm')], whitenedNeighbours(whitening, k))
    .fit(fit)
    .score(given);
const standardised = (fit: FeatureTable, table: FeatureTable) => {
  const { n, d, values } = standardiseBy(fit.columns as Column[])(table.columns as Column[]);
  return Array.from({ length: n }, (_, i) => [...values.subarray(i * d, (i + 1) * d)]);
};
function assertNear(found: Float64Array, expected: readonly number[]): void {
  assert.equal(found.length, expected.length);
  expected.forEach((value, i) => {
    assert.ok(Math.abs((found[i] as number) - value) < 1e-9 * value, `${found[i]} for ${value}`);
  });
}
/** The third smallest distance of each given row to the fit set, √((x−y)ᵀM(x−y)). */
function byMetric(fit: FeatureTable, given: FeatureTable, metric: Matrix): number[] {
  const known = standardised(fit, fit);
  return standardised(fit, given).map((row) => {
    const distances = known.map((other) => {
      const off = Matrix.columnVector(row.map((x, j) => x - (other[j] as number)));
      return Math.sqrt(off.transpose().mmul(metric).mmul(off).get(0, 0));
    });
    return distances.sort((a, b) => a - b)[2] as number;
  });
}
const shrunk = (fit: FeatureTable, d: number) => {
  const { covariance } = ledoitWolf(
    standardiseBy(fit.columns as Column[])(fit.columns as Column[]),
  );
  return Matrix.from1DArray(d, d, covariance);
};

describe('whitened neighbours', () => {
  const [fit, given] = [rows(1, 60), rows(30, 9)];

  it('without whitening are plain neighbours: a rotation changes no distance', () => {
    const plain = combine([raw('squared-norm')], nearestNeighbours(3))
      .fit(fit)
      .score(given);
    assertNear(scores(0, fit, given), [...plain]);
  });

  it('fully whitened are neighbours in the Mahalanobis distance of the shrunk covariance', () => {
    assertNear(scores(1, fit, given), byMetric(fit, given, inverse(shrunk(fit, 4))));
  });

  it('half whitened divide by the root of the standard deviation: applied twice, this is full whitening', () => {
    // The metric of half whitening squared is that of full whitening: M½ M½ = Σ⁻¹. Of two columns
    // [1 r; r 1] its square root is known in closed form.
    const [two, few] = [rows(1, 60, 2), rows(30, 9, 2)];
    const precision = inverse(shrunk(two, 2));
    const [plus, minus] = [1, -1].map((sign) =>
      Math.sqrt(precision.get(0, 0) + sign * precision.get(0, 1)),
    ) as [number, number];
    const half = new Matrix([
      [(plus + minus) / 2, (plus - minus) / 2],
      [(plus - minus) / 2, (plus + minus) / 2],
    ]);
    assert.ok(Math.abs(half.mmul(half).get(0, 1) - precision.get(0, 1)) < 1e-9);
    assertNear(scores(0.5, two, few), byMetric(two, few, half));
  });

  it('work with fewer rows than columns', () => {
    assert.ok(scores(0.5, rows(1, 6, 12), rows(9, 4, 12), 1).every((score) => score > 0));
  });

  it('are refused for other shares, or for more neighbours than points', () => {
    assert.throws(() => whitenedNeighbours(1.5), /cannot be whitened by 1.5; give a number from 0/);
    assert.throws(() => scores(0.5, fit, given, 61), /no neighbour number 61 among 60 batches/);
  });
});
