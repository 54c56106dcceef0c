import assert from 'node:assert/strict';
import {
  estimateInTurn,
  type InTurn,
  inTurn,
  meanOfModels,
  meanOfPairs,
  minus,
  type Turns,
} from '../../src/evaluation/in-turn';
import { auroc } from '../../src/evaluation/metrics';
import { mean, unbiasedStd } from '../../src/numerics/moments';
import { normalAt } from '../../src/numerics/random';

const near = (found: number, expected: number, within = 1e-12) =>
  assert.ok(Math.abs(found - expected) <= within, `${found} instead of ${expected}`);
const draws = (seed: number, n: number, shift = 0) =>
  Float64Array.from({ length: n }, (_, i) => normalAt(seed, i) + shift);
const turns = (seed: number, n: number, shift: number): Turns => [
  { in: draws(seed, n), out: draws(seed + 1, n, shift) },
  { in: draws(seed + 2, n), out: draws(seed + 3, n, shift) },
];
const number = (value: number, resampled: number[], ...differences: number[]): InTurn => ({
  value,
  resampled: Float64Array.from(resampled),
  differences,
});

describe('both halves in turn', () => {
  it('give the mean of two AUROCs and remember their difference', () => {
    const given = turns(1, 50, 1);
    const [found] = inTurn([given], { seed: 1, resamples: 5 }) as [InTurn];
    const [one, two] = given.map((scores) => auroc(scores.in, scores.out)) as [number, number];
    near(found.value, (one + two) / 2);
    near(found.differences[0] as number, one - two);
  });

  it('add a quarter of the squared difference to the bootstrap variance, averaged over models', () => {
    const one = estimateInTurn(number(0.7, [0.6, 0.7, 0.8], 0.2));
    near(one.high - one.value, 1.96 * Math.sqrt(0.01 + 0.01));
    near(one.value - one.low, one.high - one.value);
    const both = meanOfModels([number(0.7, [0.7, 0.7], 0.2), number(0.9, [0.9, 0.9], 0.1)]);
    const { value, high } = estimateInTurn(both);
    near(value, 0.8);
    near(high - value, 1.96 * Math.sqrt((0.04 + 0.01) / 16));
    assert.deepEqual(
      meanOfPairs([number(0.7, [0.7], 0.2), number(0.9, [0.9], -0.2)]).differences,
      [0],
    );
  });

  it('compare two detectors on the same draws: a detector against itself gives zero', () => {
    const given = turns(5, 40, 0.5);
    const [one, same] = inTurn([given, given], { seed: 3, resamples: 20 }) as [InTurn, InTurn];
    const { value, low, high } = estimateInTurn(minus(one, same));
    assert.deepEqual([value, low, high], [0, 0, 0]);
  });

  it('have intervals that contain the truth as often as they claim, or a little more often', () => {
    // AUROC of N(0, 1) and N(1, 1) is Φ(1/√2) = 0.76025.
    const held = Array.from({ length: 200 }, (_, k) => {
      const [found] = inTurn([turns(1000 + 10 * k, 60, 1)], { seed: k, resamples: 100 });
      const { low, high } = estimateInTurn(found as InTurn);
      return low <= 0.76025 && high >= 0.76025 ? 1 : 0;
    });
    // 95 % of 200 less three standard errors.
    assert.ok(mean(held) > 0.9, `${mean(held)}`);
    assert.ok(unbiasedStd(held) > 0 || mean(held) === 1);
  });
});
