/**
 * # The normal distribution, far into its tails
 *
 * A layer ten standard deviations away has a p-value of 10⁻²³, one forty away of 10⁻³⁴⁹, which is
 * no float64 any more. So tails are kept as logarithms, by the scaled complementary error function
 *
 *     erfcx(x) = exp(x²) erfc(x),     log P(|Z| ≥ |z|) = log erfcx(x) − x²,   x = |z|/√2,
 *
 * which neither overflows nor vanishes. It and the quantiles are @stdlib's.
 */
import { FisherlabError } from '../errors';
import { lazily } from '../lazily';

const erfcx = lazily(
  () =>
    require('@stdlib/math-base-special-erfcx') as typeof import('@stdlib/math-base-special-erfcx'),
);
const quantile = lazily(
  () =>
    require('@stdlib/stats-base-dists-normal-quantile') as typeof import('@stdlib/stats-base-dists-normal-quantile'),
);

/**
 * log P(|Z| ≥ |z|) for a standard normal Z: the logarithm of the two-sided p-value 2·min(Φ(z), 1 −
 * Φ(z)). Relative error below 1e-13 of the p-value for every finite z.
 */
export function logTwoSidedP(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  return Math.log(erfcx()(x)) - x * x;
}

/**
 * z with P(Z ≤ z) = p.
 * @throws {FisherlabError} if p is not between 0 and 1
 */
export function normalQuantile(p: number): number {
  assertProbability(p);
  return quantile()(p, 0, 1);
}

/**
 * Rejects a p that no quantile has.
 * @throws {FisherlabError} if p is not between 0 and 1
 */
export function assertProbability(p: number): void {
  if (!(p > 0 && p < 1))
    throw new FisherlabError(
      `${p} is no probability of a quantile`,
      'give a number between 0 and 1',
    );
}
