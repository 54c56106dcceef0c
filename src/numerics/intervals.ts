/**
 * # Intervals by the bootstrap
 *
 * An estimate from n observations would differ from sample to sample. To see by how much, draw n of
 * the observations with replacement and compute the estimate again, many times (Efron 1979). In a
 * resample, observation i occurs c_i times, Σ c_i = n, and any function of the weighted sums
 * Σ_i c_i a_i needs only the counts c: one set of resamples serves every quantity computed from the
 * same observations. The interval runs from the 2.5 % to the 97.5 % quantile of the resampled
 * values.
 *
 * Resamples are a function of a seed (`random.ts`); those of the libraries we looked at are not.
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
