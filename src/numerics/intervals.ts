/**
 * # Intervals by the bootstrap
 *
 * What came out could have come out otherwise: draw the n things it was computed from again, with
 * replacement, and compute it again (Efron 1979). Each is then drawn c_i times, Σ c_i = n, and
 * whatever is a function of weighted sums Σ_i c_i a_i needs the counts c alone: one set of draws
 * serves all quantities of the same things. The interval is between the 2.5 % and the 97.5 %
 * quantile of the values that the resamples give.
 *
 * Draws are a function of a seed (`random.ts`), which no library's are.
 */

import { quantileOfSorted } from './order';
import { deriveSeed, uniformAt } from './random';

/** A number with its 95 % interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The quantiles that leave out `1 − level` of the values, half on either side; NaN of none. */
export function interval(values: Float64Array, level = 0.95): { low: number; high: number } {
  const sorted = values.slice().sort();
  return {
    low: quantileOfSorted(sorted, (1 - level) / 2),
    high: quantileOfSorted(sorted, (1 + level) / 2),
  };
}

/**
 * An estimate with the interval of its resampled values. Values that are not numbers (a resample
 * without spread) are left out.
 */
export function intervalOf(value: number, resampled: ArrayLike<number>): Estimate {
  return { value, ...interval(Float64Array.from(resampled).filter(Number.isFinite)) };
}

/** How often each of `n` things comes up in n draws with replacement, [n]. */
export function drawCounts(n: number, seed: number): Uint32Array {
  const counts = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const at = Math.floor(uniformAt(seed, i) * n);
    counts[at] = (counts[at] as number) + 1;
  }
  return counts;
}

/** How often each of `n` samples is drawn in each resample, [resamples × n]. */
export function bootstrapCounts(n: number, resamples: number, seed: number): Float32Array {
  const counts = new Float32Array(resamples * n);
  for (let r = 0; r < resamples; r++) counts.set(drawCounts(n, deriveSeed(seed, r)), r * n);
  return counts;
}
