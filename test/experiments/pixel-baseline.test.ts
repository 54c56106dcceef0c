import assert from 'node:assert/strict';
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

  it('averages the pairs of the given sets', () => {
    const [row] = shipped.rows.filter((one) => one.in === 'mnist' && one.batchSize === 5);
    const all = shipped.rows.filter((one) => one.in === row?.in && one.batchSize === 5);
    const sum = all.reduce((total, one) => total + one.auroc.value, 0);
    assert.equal(pixelMean(shipped, ['mnist'], 5), sum / 4);
  });

  it('does not depend on the units of the nine numbers, nor on their order', async () => {
    const [inside, outside] = await Promise.all(
      ['fashion_mnist', 'mnist'].map((name) => dataset(name, 'test', { limit: 400 })),
    );
    if (inside === undefined || outside === undefined) throw new Error('sets are missing');
    const [a, b] = [pixelTable(inside, 1), pixelTable(outside, 1)];
    const inOtherUnits = (table: FeatureTable): FeatureTable => ({
      ...table,
      columns: [...table.columns]
        .reverse()
        .map((column, k) => ({ ...column, values: column.values.map((v) => 7 - (k + 2) * v) })),
    });
    const { fit, score } = halves(a);
    const scores = detector('pixel statistics').fit(fit).score(score);
    const others = detector('pixel statistics').fit(inOtherUnits(fit)).score(inOtherUnits(score));
    scores.forEach((value, k) => {
      assert.ok(Math.abs(value - (others[k] as number)) < 1e-9 * Math.max(1, value));
    });
    const far = detector('pixel statistics').fit(fit).score(b);
    assert.ok(auroc(scores, far) > 0.9);
  });
});
