import assert from 'node:assert/strict';
import { EigenvalueDecomposition, inverse, Matrix } from 'ml-matrix';
import { combine, log, raw } from '../../src/detectors/combine';
import { commonFactors } from '../../src/detectors/common-factor';
import { independentNormals } from '../../src/detectors/layerwise';
import { auroc } from '../../src/evaluation/metrics';
import { mean, unbiasedStd } from '../../src/numerics/moments';
import { normalAt } from '../../src/numerics/random';
import { logNormalTable, tableOf } from './tables';

/**
 * Rows of d columns that share a factor of size `shared`; `own` is added to the part that is not
 * shared.
 */
function rowsWithFactor(seed: number, n: number, d: number, shared: number, own = 1): number[][] {
  return Array.from({ length: n }, (_, i) => {
    const factor = shared * normalAt(seed, i);
    return Array.from({ length: d }, (_, j) => factor + own * normalAt(seed + 1, i * d + j));
  });
}

describe('common factors', () => {
  it('score by the inverse of the covariance written down in full', () => {
    const [d, K] = [6, 2];
    const [fit, given] = [rowsWithFactor(1, 80, d, 1.5), rowsWithFactor(10, 9, d, 2)];
    const units = Array.from({ length: d }, (_, j) => {
      const column = fit.map((row) => row[j] as number);
      return { centre: mean(column), spread: unbiasedStd(column) };
    });
    const standard = (rows: number[][]) =>
      new Matrix(
        rows.map((row) =>
          row.map((x, j) => (x - (units[j]?.centre as number)) / (units[j]?.spread as number)),
        ),
      );
    const z = standard(fit);
    const S = z.transpose().mmul(z).div(79);
    const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(S, {
      assumeSymmetric: true,
    });
    const order = realEigenvalues
      .map((value, k) => ({ value, k }))
      .sort((a, b) => b.value - a.value);
    const noise = order.slice(K).reduce((sum, { value }) => sum + value, 0) / (d - K);
    const covariance = Matrix.eye(d).mul(noise);
    for (const { value, k } of order.slice(0, K)) {
      const v = eigenvectorMatrix.getColumnVector(k);
      covariance.add(v.mmul(v.transpose()).mul(value - noise));
    }
    const precision = inverse(covariance);
    const expected = standard(given)
      .to2DArray()
      .map(
        (row) =>
          0.5 * Matrix.rowVector(row).mmul(precision).mmul(Matrix.columnVector(row)).get(0, 0),
      );
    const scores = combine([raw('squared-norm')], commonFactors(K))
      .fit(tableOf(fit))
      .score(tableOf(given));
    expected.forEach((value, i) => {
      assert.ok(
        Math.abs((scores[i] as number) - value) < 1e-9 * value,
        `row ${i}: ${scores[i]} instead of ${value}`,
      );
    });
  });

  it('equal the independent normals if there are no factors', () => {
    const [fit, given] = [logNormalTable(1, 50, 7), logNormalTable(2, 20, 7, 0.5)];
    const score = (combiner: ReturnType<typeof commonFactors>) =>
      combine([log('squared-norm')], combiner)
        .fit(fit)
        .score(given);
    const [none, paper] = [score(commonFactors(0)), score(independentNormals())];
    const constant = (paper[0] as number) - (none[0] as number);
    paper.forEach((value, i) => {
      assert.ok(Math.abs(value - (none[i] as number) - constant) < 1e-9, `row ${i}`);
    });
  });

  it('find outliers that a factor hides from the independent normals, also with fewer rows than columns', () => {
    for (const rows of [200, 40]) {
      const fit = tableOf(rowsWithFactor(1, rows, 60, 3));
      const [usual, odd] = [
        tableOf(rowsWithFactor(20, 100, 60, 3)),
        tableOf(rowsWithFactor(30, 100, 60, 3, 1.3)),
      ];
      const quality = (combiner: ReturnType<typeof commonFactors>) => {
        const fitted = combine([raw('squared-norm')], combiner).fit(fit);
        return auroc(fitted.score(usual), fitted.score(odd));
      };
      const [one, paper] = [quality(commonFactors(1)), quality(independentNormals())];
      assert.ok(one > 0.95 && paper < 0.7, `${rows} rows: ${one} and ${paper}`);
    }
  });

  it('refuse more factors than the columns allow', () => {
    assert.throws(() => commonFactors(1.5), /1.5 is no number of common factors/);
    assert.throws(
      () => combine([log('squared-norm')], commonFactors(3)).fit(logNormalTable(1, 50, 3)),
      /3 columns have no 3 factors in common/,
    );
    assert.throws(
      () => combine([log('squared-norm')], commonFactors(2)).fit(logNormalTable(1, 3, 5)),
      /nothing is left of the 3 batches of the fit set beside 2 common factors/,
    );
  });
});
