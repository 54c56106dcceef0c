import assert from 'node:assert/strict';
import { ranksAroundQuantile, shareBelow } from '../../src/numerics/index';
import { uniformAt } from '../../src/numerics/random';

/** Sorted uniform numbers, of which F is the number itself; a sample each seed. */
const sample = (n: number, seed: number) =>
  Float64Array.from({ length: n }, (_, k) => uniformAt(seed, k)).sort();

describe('what n numbers say about quantiles', () => {
  it('follows the closed form of the Beta distribution for the largest and the smallest of n', () => {
    for (const n of [1, 19, 200]) {
      const [largest, smallest] = [shareBelow(n, n), shareBelow(1, n)];
      // P(F(S_n) ≤ x) = xⁿ and P(F(S_1) ≤ x) = 1 − (1 − x)ⁿ
      assert.ok(Math.abs(largest.low - 0.025 ** (1 / n)) < 1e-12);
      assert.ok(Math.abs(largest.high - 0.975 ** (1 / n)) < 1e-12);
      assert.ok(Math.abs(smallest.low - (1 - 0.975 ** (1 / n))) < 1e-12);
      assert.ok(Math.abs(smallest.high - (1 - 0.025 ** (1 / n))) < 1e-12);
    }
  });

  it('contains the share below the r-th number, and the quantile, as often as it claims', () => {
    const [n, r, q, samples] = [60, 57, 0.95, 4000];
    const share = shareBelow(r, n);
    const { low, high } = ranksAroundQuantile(q, n);
    let [shares, quantiles] = [0, 0];
    for (let seed = 1; seed <= samples; seed++) {
      const numbers = sample(n, seed);
      const below = numbers[r - 1] as number;
      if (below >= share.low && below <= share.high) shares++;
      const [from, to] = [numbers[low - 1] ?? 0, numbers[high - 1] ?? 1];
      if (from <= q && q <= to) quantiles++;
    }
    // Four standard errors of a share of 0.95 of so many.
    const error = 4 * Math.sqrt((0.95 * 0.05) / samples);
    assert.ok(Math.abs(shares / samples - 0.95) < error, String(shares));
    // Ranks are whole numbers, so that the probability may be more.
    assert.ok(quantiles / samples > 0.95 - error, String(quantiles));
  });

  it('leaves a side open if there are too few numbers', () => {
    // P(all 20 are below the 95 % quantile) = 0.36
    assert.equal(ranksAroundQuantile(0.95, 20).high, 21);
    assert.equal(ranksAroundQuantile(0.05, 20).low, 0);
  });

  it('refuses invalid ranks and probabilities', () => {
    assert.throws(() => shareBelow(0, 5), /no number 0 among 5/);
    assert.throws(() => shareBelow(6, 5), /no number 6 among 5/);
    assert.throws(() => ranksAroundQuantile(1, 5), /1 is no probability of a quantile/);
  });
});
