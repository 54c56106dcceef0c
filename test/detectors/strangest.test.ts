import assert from 'node:assert/strict';
import { layerwiseFactors } from '../../src/detectors/common-factor';
import type { Detector } from '../../src/detectors/detector';
import { strangestOf } from '../../src/detectors/strangest';
import { columnsOf, type FeatureTable } from '../../src/detectors/table';
import { typicality } from '../../src/detectors/typicality';
import { auroc } from '../../src/evaluation/metrics';
import { normals } from '../../src/numerics/random';
import { logNormalTable, statistics } from './tables';

/** Scores a batch by one of its numbers, whatever it was fitted on. */
const number = (feature: string): Detector => ({
  name: feature,
  fit: () => ({
    score: (table) => (columnsOf(table, feature)[0] as { values: Float64Array }).values.slice(),
  }),
});

/** Knows the batches it was fitted on by heart: 0 for them, 100 + their number for others. */
const memory: Detector = {
  name: 'memory',
  fit: (known) => {
    const seen = new Set(number('a').fit(known).score(known));
    return {
      score: (table) =>
        number('a')
          .fit(table)
          .score(table)
          .map((value) => (seen.has(value) ? 0 : 100 + value)),
    };
  },
};

describe('the strangest of several detectors', () => {
  it('is the largest score, each in its own unit: from the median up to the 84th percentile of familiar batches', () => {
    // 0 … 10: median 5, and 84.13 % of the way is 8.413.
    const familiar = statistics({
      a: [...Array(11).keys()],
      b: [...Array(11).keys()].map((x) => 1000 - 100 * x),
    });
    const fitted = strangestOf([number('a'), number('b')]).fit(familiar);
    const scores = fitted.score(statistics({ a: [5, 12, 0, -3], b: [500, 500, 1500, 200] }));
    const expected = [0, 7 / 3.413, 1000 / 341.3, -300 / 341.3];
    expected.forEach((value, row) => {
      assert.ok(
        Math.abs((scores[row] as number) - value) < 1e-12,
        `row ${row}: ${scores[row]} instead of ${value}`,
      );
    });
  });

  it('takes the unit from batches that a detector was not fitted on', () => {
    const familiar = statistics({ a: [3, 1, 4, 15, 9, 2, 6, 5, 35, 8, 97] });
    const [across] = strangestOf([memory])
      .fit(familiar)
      .score(statistics({ a: [7] }));
    // Sorted: 1 2 3 4 5 6 8 9 15 35 97; 84.13 % of the way lies 0.413 of the way from 15 to 35.
    assert.ok(Math.abs((across as number) - (7 - 6) / (15 + 0.413 * 20 - 6)) < 1e-12, `${across}`);
  });

  it('finds what any one of them finds', () => {
    const table = (seed: number, shift: number, fall: number): FeatureTable => {
      const layers = logNormalTable(seed, 300, 8, shift);
      const others = statistics({
        'log-likelihood': [...normals(1000 + seed, 300)].map((x) => x - fall),
      });
      return { ...layers, columns: [...layers.columns, ...others.columns] };
    };
    const quality = (detector: Detector, strangers: FeatureTable) => {
      const fitted = detector.fit(table(1, 0, 0));
      return auroc(fitted.score(table(2, 0, 0)), fitted.score(strangers));
    };
    const [gradients, likelihood] = [layerwiseFactors(1), typicality()];
    const both = strangestOf([gradients, likelihood]);
    const [shifted, unlikely] = [table(3, 2, 0), table(4, 0, 4)];
    assert.ok(quality(likelihood, shifted) < 0.6 && quality(gradients, unlikely) < 0.6);
    for (const strangers of [shifted, unlikely])
      assert.ok(quality(both, strangers) > 0.9, `${quality(both, strangers)}`);
  });

  it('refuses an empty list, and a detector that scores all batches alike', () => {
    assert.throws(() => strangestOf([]), /asks no detector; name at least one/);
    const alike = statistics({ a: [1, 1, 1, 1, 1, 1], b: [1, 2, 3, 4, 5, 6] });
    assert.throws(
      () => strangestOf([number('b'), number('a')]).fit(alike),
      /the scores of 'a' do not vary over the 6 batches of the fit set/,
    );
  });
});
