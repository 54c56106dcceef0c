/**
 * # Rows as vectors
 *
 * Most detectors take a table column by column. Those that look at rows as points in space
 * (neighbours, covariances, support vectors) want each row in one piece, each column in its own
 * unit: standardised, z = (x − mean)/std, both of the fit set.
 */
import { mean, unbiasedStd } from '../numerics/index';
import type { Column } from './table';

/** n points of d coordinates, row-major. */
export interface Points {
  readonly n: number;
  readonly d: number;
  readonly values: Float64Array; // [n × d]
}

/**
 * Columns → standardised points, with the means and standard deviations of the columns it was made
 * for.
 */
export type Standardise = (columns: readonly Column[]) => Points;

export function standardiseBy(fit: readonly Column[]): Standardise {
  const units = fit.map(({ values }) => {
    const centre = mean(values);
    return { centre, spread: unbiasedStd(values, centre) };
  });
  return (columns) => {
    const d = columns.length;
    const n = columns[0]?.values.length ?? 0;
    const points = new Float64Array(n * d);
    columns.forEach(({ values }, j) => {
      const { centre, spread } = units[j] as (typeof units)[number];
      for (let i = 0; i < n; i++) points[i * d + j] = ((values[i] as number) - centre) / spread;
    });
    return { n, d, values: points };
  };
}

/** The i-th point, a view [d]. */
export function point({ d, values }: Points, i: number): Float64Array {
  return values.subarray(i * d, (i + 1) * d);
}

/** Inner product of the first `length` coordinates, by default of all. */
export function dot(a: Float64Array, b: Float64Array, length = a.length): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** ‖a − b‖², or some number of at least `limit` once it is known to be that large. */
export function squaredDistance(a: Float64Array, b: Float64Array, limit = Infinity): number {
  let sum = 0;
  for (let from = 0; from < a.length && sum < limit; from += 32) {
    const to = Math.min(from + 32, a.length);
    for (let i = from; i < to; i++) {
      const difference = (a[i] as number) - (b[i] as number);
      sum += difference * difference;
    }
  }
  return sum;
}

/** Coordinates as points: [n × d] → [d × n]. */
export function transpose({ n, d, values }: Points): Points {
  const turned = new Float64Array(n * d);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < d; j++) turned[j * n + i] = values[i * d + j] as number;
  return { n: d, d: n, values: turned };
}

/** Inner products of all pairs of points divided by `divisor`: symmetric, [n × n]. */
export function gram(points: Points, divisor: number): Float64Array {
  const { n } = points;
  const products = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      products[i * n + j] = dot(point(points, i), point(points, j)) / divisor;
      products[j * n + i] = products[i * n + j] as number;
    }
  }
  return products;
}
