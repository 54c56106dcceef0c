import assert from 'node:assert/strict';
import type { FeatureTable } from '../../src/detectors/table';
import { auroc } from '../../src/evaluation/metrics';
import {
  approximationTable,
  correlationWithInterval,
  layerComparisons,
} from '../../src/experiments/approximations';
import { normals } from '../../src/numerics/random';

const FEATURES = ['plain', 'copy', 'exact'];

/**
 * Two layers; `plain` and its copy are exp(noise), `exact` is the same plus noise of its own and
 * moves when out of distribution.
 */
function made(rows: number, seed: number, shift: number): FeatureTable {
  const noise = normals(seed, rows * 4);
  const column = (f: number, layer: number) =>
    Float64Array.from({ length: rows }, (_, i) => {
      const base = noise[i * 4 + layer] as number;
      return Math.exp(f < 2 ? base : base + (noise[i * 4 + 2 + layer] as number) + shift);
    });
  return {
    rows,
    batchSize: 1,
    columns: FEATURES.flatMap((feature, f) =>
      [0, 1].map((layer) => ({ feature, layer: `layer ${layer}`, values: column(f, layer) })),
    ),
  };
}

describe('the comparison of approximations', () => {
  const inside = { name: 'own', table: made(800, 1, 0) };
  const outside = [{ name: 'other', table: made(400, 2, 4) }];
  const rows = approximationTable(inside, outside, { seed: 1, features: FEATURES, resamples: 100 });

  it('gives a feature equal to the first one no gain and the same AUROC', () => {
    const [plain, copy] = rows;
    assert.deepEqual(copy?.gain, { value: 0, low: 0, high: 0 });
    assert.deepEqual(copy?.auroc, plain?.auroc);
  });

  it('gives the feature that sees more its gain, the difference of the two AUROCs, and an interval without 0', () => {
    const [plain, , exact] = rows as [(typeof rows)[0], unknown, (typeof rows)[0]];
    assert.ok(Math.abs(exact.gain.value - (exact.auroc.value - plain.auroc.value)) < 1e-12);
    assert.ok(
      exact.gain.low > 0.1 && exact.auroc.value > 0.85,
      `${exact.gain.low}, ${exact.auroc.value}`,
    );
    assert.ok(Math.abs(exact.correlation.value - 1) < 1e-12);
  });

  it('compares layer by layer: log features with a correlation of 1/√2, and AUROC by the one column', () => {
    const found = layerComparisons(inside, outside, { seed: 1, features: FEATURES, resamples: 50 });
    assert.equal(found.length, 6);
    const plain = found.find(
      ({ feature, layer }) => feature === 'plain' && layer === 'layer 1',
    ) as (typeof found)[0];
    assert.ok(plain.correlation.low < Math.SQRT1_2 && Math.SQRT1_2 < plain.correlation.high);
    const exact = found.find(
      ({ feature, layer }) => feature === 'exact' && layer === 'layer 0',
    ) as (typeof found)[0];
    const size = (table: FeatureTable, from: number) => {
      const logs = inside.table.columns[4]?.values.slice(0, 400).map(Math.log) as Float64Array;
      const centre = logs.reduce((a, b) => a + b) / 400;
      return (table.columns[4] as { values: Float64Array }).values
        .slice(from)
        .map((value) => Math.abs(Math.log(value) - centre));
    };
    assert.ok(
      Math.abs(
        (exact.aurocs[0] as number) -
          auroc(size(inside.table, 400), size((outside[0] as (typeof outside)[0]).table, 0)),
      ) < 1e-9,
    );
  });

  it('finds a correlation of −1 if one falls as the other rises', () => {
    const x = Float64Array.from({ length: 30 }, (_, i) => i);
    const { value, low, high } = correlationWithInterval(
      x,
      x.map((v) => 5 - 2 * v),
      1,
    );
    for (const r of [value, low, high]) assert.ok(Math.abs(r + 1) < 1e-9);
  });
});
