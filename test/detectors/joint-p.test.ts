import assert from 'node:assert/strict';
import type { Detector } from '../../src/detectors/detector';
import { type JointRule, jointP } from '../../src/detectors/joint-p';
import { columnsOf } from '../../src/detectors/table';
import { normalAt } from '../../src/numerics/random';
import { statistics } from './tables';

/** Scores a batch by one of its numbers, whatever it was fitted on. */
const number = (feature: string): Detector => ({
  name: feature,
  fit: () => ({
    score: (table) => (columnsOf(table, feature)[0] as { values: Float64Array }).values.slice(),
  }),
});
const familiar = statistics({
  a: [...Array(11).keys()],
  b: [...Array(11).keys()].map((x) => 1000 - 100 * x),
});
const score = (rule: JointRule, a: number, b: number) =>
  jointP([number('a'), number('b')], rule)
    .fit(familiar)
    .score(statistics({ a: [a], b: [b] }))[0] as number;
const near = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-6 * Math.abs(expected) + 1e-9, `${found}, ${expected}`);

describe('one p-value of several detectors', () => {
  it('counts the familiar scores that are as high, and combines the shares', () => {
    // Of 0 … 10 there are 3 at least 8 and 10 at least 1; of 0, 100 … 1000 4 at least 700.
    near(score('fisher', 8, 700), -2 * Math.log((4 / 12) * (5 / 12)));
    near(score('fisher', 1, 700), -2 * Math.log((11 / 12) * (5 / 12)));
    near(score('harmonic', 8, 700), Math.log(12 / 4 + 12 / 5));
  });

  it('continues beyond the largest familiar score as an exponential with the upper spread', () => {
    // 84.13 % of the way from 0 to 10 is 8.413, the median 5.
    near(score('fisher', 12, 700), -2 * (Math.log(1 / 12) - 2 / 3.413 + Math.log(5 / 12)));
    const [far, farther] = [score('harmonic', 1e4, 700), score('harmonic', 2e4, 700)];
    assert.ok(Number.isFinite(farther) && farther > far);
  });

  it('lets two weak suspicions add up, where the harmonic mean sees one strong one', () => {
    assert.ok(score('fisher', 9, 900) > score('fisher', 10, 300));
    assert.ok(score('harmonic', 10, 300) > score('harmonic', 8, 800));
  });

  it('is uniform in rank among familiar batches that it was not fitted on', () => {
    const draw = (seed: number) =>
      statistics({ a: Array.from({ length: 2000 }, (_, i) => normalAt(seed, i)) });
    const fitted = jointP([number('a')]).fit(draw(1));
    const p = fitted.score(draw(2)).map((one) => Math.exp(-one / 2));
    for (const level of [0.01, 0.1, 0.5]) {
      const share = p.filter((one) => one <= level).length / 2000;
      // Three standard errors of two samples of 2000.
      assert.ok(
        Math.abs(share - level) < 3 * Math.sqrt((2 * level * (1 - level)) / 2000),
        `${share}`,
      );
    }
  });

  it('refuses an empty list of detectors', () => {
    assert.throws(() => jointP([]), /asks no detector; name at least one/);
  });
});
