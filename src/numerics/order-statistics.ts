/**
 * # What n numbers say about the quantiles of where they came from
 *
 * Let S₁ ≤ … ≤ S_n be drawn independently from any continuous distribution function F. The share of
 * it below the r-th of them, F(S_r), is then distributed as Beta(r, n + 1 − r), whatever F, and
 *
 *     P(F(S_r) ≤ x) = P(at least r of n lie below x's quantile) = Σ_{k ≥ r} C(n, k) xᵏ (1 − x)ⁿ⁻ᵏ.
 *
 * Reference: David and Nagaraja, *Order Statistics*, 3rd edition, 2003, sections 2.1 and 7.1. The
 * sum is taken as it stands: @stdlib's quantile of Beta agrees to 2 · 10⁻¹², and brings 66 packages
 * with it.
 */
import { FisherlabError } from '../errors';
import { logGamma } from './gamma';
import { assertProbability } from './normal';

/**
 * Where F(S_r) lies with probability `level`, half of the rest on either side.
 * @param r from 1 for the smallest of `n` numbers to n
 * @throws {FisherlabError} if there is no r-th, or the level is not between 0 and 1
 */
export function shareBelow(r: number, n: number, level = 0.95): { low: number; high: number } {
  assertProbability(level);
  if (!(Number.isInteger(r) && r >= 1 && r <= n))
    throw new FisherlabError(
      `there is no number ${r} among ${n}`,
      'count from 1 to how many there are',
    );
  return { low: betaQuantile((1 - level) / 2, r, n), high: betaQuantile((1 + level) / 2, r, n) };
}

/**
 * The ranks of two of n numbers between which the quantile at q lies with probability `level` at
 * least, as close together as halves of the rest on either side allow: 0 and n + 1 stand for −∞
 * and ∞, where n is too small.
 * @throws {FisherlabError} if a probability is not between 0 and 1
 */
export function ranksAroundQuantile(
  q: number,
  n: number,
  level = 0.95,
): { low: number; high: number } {
  assertProbability(q);
  assertProbability(level);
  const rest = (1 - level) / 2;
  let [low, high] = [0, n + 1];
  let upTo = 0; // P(at most k are below the quantile)
  for (let k = 0; k <= n; k++) {
    upTo += exactly(k, n, q);
    if (upTo <= rest) low = k + 1;
    if (1 - upTo <= rest && high > n) high = k + 1;
  }
  return { low, high: Math.min(high, n + 1) };
}

/** P(k of n), each with probability x. */
function exactly(k: number, n: number, x: number): number {
  const ways = logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
  return Math.exp(ways + k * Math.log(x) + (n - k) * Math.log1p(-x));
}

/** P(at least r of n), each with probability x. */
function atLeast(r: number, n: number, x: number): number {
  let sum = 0;
  for (let k = r; k <= n; k++) sum += exactly(k, n, x);
  return Math.min(1, sum);
}

/** x with P(F(S_r) ≤ x) = p, by bisection. */
function betaQuantile(p: number, r: number, n: number): number {
  let [low, high] = [0, 1];
  for (let k = 0; k < 60; k++) {
    const middle = (low + high) / 2;
    if (atLeast(r, n, middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
