import assert from 'node:assert/strict';
import { covariance, Matrix, pseudoInverse } from 'ml-matrix';
import { dataset } from '../../src/data/dataset';
import { detector } from '../../src/detectors/catalogue';
import type { FeatureTable } from '../../src/detectors/table';
import { auroc } from '../../src/evaluation/metrics';
import { halves } from '../../src/evaluation/protocol';
import { pixelMean, shippedPixelBaseline } from '../../src/experiments/pixel-baseline';
import { pixelTable } from '../../src/features/pixel-statistics';

describe('the baseline of pixel statistics', () => {
  const shipped = shippedPixelBaseline();

  it('ships every colour and grey set against every other, at both batch sizes', () => {
    const pairs = shipped.rows.map((row) => `${row.in} ${row.out} ${row.batchSize}`);
    assert.equal(new Set(pairs).size, pairs.length);
    assert.equal(pairs.length, 2 * (20 + 20));
    for (const { auroc: found } of shipped.rows)
      assert.ok(found.low <= found.value && found.value <= found.high && found.high <= 1);
  });

  it('averages the pairs of the sets that are asked for', () => {
    const [row] = shipped.rows.filter((one) => one.in === 'mnist' && one.batchSize === 5);
    const all = shipped.rows.filter((one) => one.in === row?.in && one.batchSize === 5);
    const sum = all.reduce((total, one) => total + one.auroc.value, 0);
    assert.equal(pixelMean(shipped, ['mnist'], 5), sum / 4);
  });

  it('is the distance of Mahalanobis on the nine numbers, but for the shrinkage', async () => {
    const [inside, outside] = await Promise.all(
      ['fashion_mnist', 'mnist'].map((name) => dataset(name, 'test', { limit: 600 })),
    );
    if (inside === undefined || outside === undefined) throw new Error('sets are missing');
    const [a, b] = [pixelTable(inside, 1), pixelTable(outside, 1)];
    const { fit, score } = halves(a);
    const fitted = detector('pixel statistics').fit(fit);
    const found = auroc(fitted.score(score), fitted.score(b));

    // Grey images have no colourfulness: that column is constant and left out.
    const rows = (table: FeatureTable) =>
      new Matrix(table.columns.slice(0, -1).map(({ values }) => [...values])).transpose();
    const learnt = rows(fit);
    const means = learnt.mean('column');
    const inverse = pseudoInverse(covariance(learnt));
    const distances = (table: FeatureTable) =>
      rows(table)
        .subRowVector(means)
        .to2DArray()
        .map((row) => {
          const z = Matrix.rowVector(row);
          return z.mmul(inverse).mmul(z.transpose()).get(0, 0);
        });
    const byHand = auroc(distances(score), distances(b));
    assert.ok(found > 0.9, `${found}`);
    assert.ok(Math.abs(found - byHand) < 0.01, `${found}, by hand ${byHand}`);
  });
});
