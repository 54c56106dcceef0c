import assert from 'node:assert/strict';
import fc from 'fast-check';
import { pValues } from '../../src/detectors/p-values';
import { thresholdFor, verdict } from '../../src/evaluation/index';
import { normals } from '../../src/numerics/random';

/** Standard normal scores. */
const scores = (seed: number, n: number) => Float64Array.from(normals(seed, n));

describe('the threshold for a false-positive rate', () => {
  it('calls exactly those images strange whose conformal p-value is at most that rate', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 19, maxLength: 80 }),
        fc.integer({ min: -1, max: 31 }),
        fc.constantFrom(0.05, 0.1, 0.25, 0.5),
        (usual, score, rate) => {
          const scores = Float64Array.from(usual);
          const [p] = pValues(scores, Float64Array.of(score));
          const { strange } = verdict(thresholdFor(rate, scores), score, 0);
          // Quotients of whole numbers that are equal to the rate may come out a bit above it.
          assert.equal(strange, (p as number) <= rate + 1e-12);
        },
      ),
      { numRuns: 500, seed: 1 },
    );
  });

  it('has the stated rate on new images, within the stated interval', () => {
    const usual = scores(1, 500);
    const threshold = thresholdFor(0.05, usual);
    const others = normals(2, 200_000);
    const rate = others.filter((score) => verdict(threshold, score, 0).strange).length / 200_000;
    assert.ok(rate > threshold.rate.low && rate < threshold.rate.high, String(rate));
    assert.ok(threshold.score.low < 1.645 && 1.645 < threshold.score.high); // the normal's 95 %
    assert.equal(threshold.rate.value, 25 / 501);
  });

  it('is sure only of what lies outside its interval by twice the standard error', () => {
    const threshold = thresholdFor(0.05, scores(1, 500));
    const { low, value, high } = threshold.score;
    assert.deepEqual(verdict(threshold, high + 1, 0.4), { strange: true, sure: true });
    assert.deepEqual(verdict(threshold, high + 1, 0.6), { strange: true, sure: false });
    assert.deepEqual(verdict(threshold, (value + high) / 2, 0), { strange: true, sure: false });
    assert.deepEqual(verdict(threshold, (value + low) / 2, 0), { strange: false, sure: false });
    assert.deepEqual(verdict(threshold, low - 1, 0.4), { strange: false, sure: true });
    assert.deepEqual(verdict(threshold, low - 1, 0.6), { strange: false, sure: false });
  });

  it('asks for as many usual images as the rate needs', () => {
    assert.equal(thresholdFor(0.05, scores(1, 19)).score.value, Math.max(...normals(1, 19)));
    assert.throws(
      () => thresholdFor(0.05, scores(1, 18)),
      /18 usual images to compare with cannot show a false-positive rate of 0\.05; give at least 38/,
    );
    assert.throws(() => thresholdFor(0, scores(1, 50)), /the false-positive rate is 0;/);
  });
});
