/**
 * # Intervals by the bootstrap
 *
 * Samples of the model are drawn anew, with replacement (Efron 1979): sample n comes `w_n` times,
 * and every estimate that is a function of weighted sums over samples, `Σ_n w_n a_n / N`, is
 * computed again. Draws are shared by all layers, so that one matrix of counts serves hundreds of
 * them. The interval is between the 2.5 % and 97.5 % quantiles.
 */
import { at, deriveSeed, uniformAt } from '../backend/index';

/** A number with its 95 % interval. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** How often each of `n` samples is drawn in each resample, [resamples × n]. */
export function bootstrapCounts(n: number, resamples: number, seed: number): Float32Array {
  const counts = new Float32Array(resamples * n);
  for (let r = 0; r < resamples; r++) {
    const own = deriveSeed(seed, r);
    for (let i = 0; i < n; i++) {
      const place = r * n + Math.floor(uniformAt(own, i) * n);
      counts[place] = at(counts, place) + 1;
    }
  }
  return counts;
}

/**
 * The 95 % interval of resampled values about the estimate. Values that are not numbers (a resample
 * without spread) are left out.
 */
export function intervalOf(value: number, resampled: ArrayLike<number>): Interval {
  const sorted = Float64Array.from(resampled).filter(Number.isFinite).sort();
  return { value, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}

/** The q-quantile of sorted values, linear between neighbours; NaN of none. */
export function quantile(sorted: Float64Array, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = q * (sorted.length - 1);
  const below = Math.floor(place);
  const [a, b] = [at(sorted, below), at(sorted, Math.min(below + 1, sorted.length - 1))];
  return a + (place - below) * (b - a);
}
