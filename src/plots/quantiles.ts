/**
 * # Quantile plots
 *
 * Does a sample follow a theoretical distribution? Sorted values x_(1) ≤ … ≤ x_(n) are drawn
 * against the theory's quantiles `Q((i − ½)/n)`; the points of a sample of that distribution are
 * near the line y = x. (Wilk and Gnanadesikan, *Probability plotting methods for the analysis of
 * data*, 1968.)
 */
import type { Figure } from './figure';
import { finite } from './figure';
import type { ValueSeries } from './histogram';
import { type ScatterOptions, scatter } from './scatter';

/** Points drawn at most for one series; both tails are always among them. */
const MOST_POINTS = 400;

/**
 * A quantile plot of one or more samples.
 * @param theory the quantile function Q of the theory, from (0, 1) to the unit of the values
 */
export function quantiles(
  series: readonly ValueSeries[],
  theory: (probability: number) => number,
  options: ScatterOptions,
): Figure {
  const points = series.map(({ name, values, colour }) => {
    const sorted = finite(`sample '${name}'`, values).sort((a, b) => a - b);
    const kept = thinned(sorted.length);
    const shared = {
      name,
      x: kept.map((i) => theory((i + 0.5) / sorted.length)),
      y: kept.map((i) => sorted[i] as number),
    };
    return colour === undefined ? shared : { ...shared, colour };
  });
  return scatter(points, { height: 520, width: 560, size: 6, ...options, diagonal: true });
}

/**
 * Indices of the points to draw of `count` sorted ones: all of few; of many the fifty at each end
 * and the rest evenly.
 */
export function thinned(count: number): number[] {
  const tail = 50;
  if (count <= MOST_POINTS) return Array.from({ length: count }, (_, i) => i);
  const inner = MOST_POINTS - 2 * tail;
  const step = (count - 2 * tail) / inner;
  return [
    ...Array.from({ length: tail }, (_, i) => i),
    ...Array.from({ length: inner }, (_, i) => Math.floor(tail + i * step)),
    ...Array.from({ length: tail }, (_, i) => count - tail + i),
  ];
}
