import assert from 'node:assert/strict';
import type { FeatureTable } from '../../src/detectors/table';
import { halves, resultRows, scoreAll } from '../../src/evaluation/protocol';
import { normalAt } from '../../src/numerics/random';

/** Two layers with log-normal features and a log-likelihood. */
function table(rows: number, seed: number, shift: number): FeatureTable {
  const column = (j: number, f: (z: number) => number) =>
    Float64Array.from({ length: rows }, (_, n) => f(normalAt(seed + j, n)));
  return {
    rows,
    batchSize: 5,
    columns: [
      { feature: 'log-likelihood', values: column(0, (z) => 10 * z + 20 * shift) },
      {
        feature: 'squared-norm',
        layer: 'a',
        size: 3,
        values: column(1, (z) => Math.exp(z + shift)),
      },
      {
        feature: 'squared-norm',
        layer: 'b',
        size: 4,
        values: column(2, (z) => Math.exp(2 * z - shift)),
      },
    ],
  };
}

const METHODS = ['likelihood', 'typicality', 'layer-wise gradients'];
const take = (from: FeatureTable, start: number, end: number): FeatureTable => ({
  ...from,
  rows: end - start,
  columns: from.columns.map((column) => ({ ...column, values: column.values.slice(start, end) })),
});

describe('the protocol', () => {
  it('cuts by order, the first round(n/2) batches to fit, every column alike', () => {
    for (const [rows, middle] of [
      [8, 4],
      [7, 4],
      [5, 3],
      [2, 1],
    ] as const) {
      const whole = table(rows, 1, 0);
      const { fit, score } = halves(whole);
      assert.deepEqual(fit, take(whole, 0, middle));
      assert.deepEqual(score, take(whole, middle, rows));
    }
  });

  it("scores by the paper's formula: minus the sum of normal log-densities of log features, fitted on the first half alone", () => {
    const [inside, outside] = [table(41, 1, 0), table(20, 7, 0.5)];
    const [scores] = scoreAll(
      inside,
      [{ name: 'other', table: outside }],
      ['layer-wise gradients'],
      1,
    );
    const fitted = inside.columns.slice(1).map(({ values }) => {
      const logs = Array.from(values.subarray(0, 21), Math.log);
      const mean = logs.reduce((a, b) => a + b, 0) / 21;
      return { mean, variance: logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 20 };
    });
    const expected = (from: FeatureTable, row: number) =>
      fitted.reduce((sum, { mean, variance }, j) => {
        const z = Math.log(from.columns[j + 1]?.values[row] as number) - mean;
        return sum + 0.5 * Math.log(2 * Math.PI * variance) + (z * z) / (2 * variance);
      }, 0);
    assert.equal(scores?.in.length, 20);
    scores?.in.forEach((score, n) => {
      assert.ok(Math.abs(score - expected(inside, 21 + n)) < 1e-9, `${n}: ${score}`);
    });
    scores?.out[0]?.scores.forEach((score, n) => {
      assert.ok(Math.abs(score - expected(outside, n)) < 1e-9, `${n}: ${score}`);
    });
  });

  it('gives the share of pairs in the right order as AUROC, of the second half against the whole of the other set', () => {
    const [inside, outside] = [table(60, 1, 0), table(25, 7, 0.8)];
    const rows = resultRows(
      'm',
      { name: 'in', table: inside },
      [{ name: 'out', table: outside }],
      METHODS,
      3,
    );
    const scores = scoreAll(inside, [{ name: 'out', table: outside }], METHODS, 3);
    assert.deepEqual(
      rows.map(({ method, inCount, outCount, batchSize }) => [
        method,
        inCount,
        outCount,
        batchSize,
      ]),
      METHODS.map((method) => [method, 30, 25, 5]),
    );
    rows.forEach(({ auroc }, m) => {
      let right = 0;
      for (const a of scores[m]?.in ?? [])
        for (const b of scores[m]?.out[0]?.scores ?? []) right += b > a ? 1 : b === a ? 0.5 : 0;
      assert.ok(Math.abs(auroc.value - right / (30 * 25)) < 1e-12, `${METHODS[m]}: ${auroc.value}`);
      assert.ok(auroc.low <= auroc.value && auroc.value <= auroc.high);
    });
    // The other set is likelier here, so likelihood as a detector is worse than chance.
    assert.ok((rows[0]?.auroc.value as number) < 0.2);
  });

  it('gives a pair the same numbers whichever other sets are scored with it', () => {
    const inside = { name: 'in', table: table(40, 1, 0) };
    const [a, b] = [
      { name: 'a', table: table(30, 7, 0.3) },
      { name: 'b', table: table(30, 17, -0.6) },
    ];
    const both = resultRows('m', inside, [b, a], METHODS, 3);
    assert.deepEqual(
      both.filter(({ out }) => out === 'a'),
      resultRows('m', inside, [a], METHODS, 3),
    );
  });
});
