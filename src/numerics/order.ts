/**
 * # Quantiles, places and ranks
 *
 * The work is d3-array's; this file fixes the conventions. A list called sorted is in ascending
 * order and contains no NaN.
 */
import { lazily } from '../lazily';

const d3 = lazily(() => require('d3-array') as typeof import('d3-array'));

/**
 * The q-quantile (0 ≤ q ≤ 1) of sorted values, linear between neighbours (R's type 7, NumPy's
 * default); NaN of none.
 */
export function quantileOfSorted(sorted: ArrayLike<number>, q: number): number {
  return d3().quantileSorted(sorted as number[], q) ?? Number.NaN; // reads entries and length only
}

/** How many of the sorted values are below x. */
export function countBelow(sorted: ArrayLike<number>, x: number): number {
  return d3().bisectLeft(sorted, x);
}

/** How many of the sorted values are at most x. */
export function countUpTo(sorted: ArrayLike<number>, x: number): number {
  return d3().bisectRight(sorted, x);
}

/** Ranks 1 … n of values in any order, ties sharing their mean. */
export function ranks(values: Float64Array): Float64Array {
  const { rank, descending } = d3();
  // Of equal values each way gives the first place to all, so the two means differ by the ties.
  const [up, down] = [rank(values), rank(values, descending)];
  return up.map((below, i) => (below + values.length + 1 - (down[i] as number)) / 2);
}
