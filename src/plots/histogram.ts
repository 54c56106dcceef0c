/**
 * # Densities of scores, one above the other
 *
 * Each series becomes a histogram on bins common to all, divided by its own count and the bin's
 * width: its area is 1, so that sets of different sizes compare. With n values and m bins on [a, b]
 * the height of bin k is `#{i : x_i in bin k} · m / (n (b − a))`.
 */
import type { Plot } from 'nodeplotlib';
import { at } from '../backend/index';
import { FisherlabError } from '../errors';
import { labelOf } from '../terminal/index';
import { colourOf, withOpacity } from './colours';
import {
  axis,
  drawGuides,
  type Figure,
  type FigureOptions,
  figure,
  finite,
  type Guide,
} from './figure';

/** Values of one group. A data set's name gives the label and the colour. */
export interface ValueSeries {
  readonly name: string;
  readonly values: ArrayLike<number>;
  readonly colour?: string;
}

export interface HistogramOptions extends FigureOptions {
  /** Title of the horizontal axis, with its unit: `log-likelihood [bits/dim]`. */
  readonly x: string;
  readonly bins?: number;
  /**
   * What part of the axis to show; by default all values. Values outside are counted in the axis
   * title.
   */
  readonly range?: readonly [number, number];
  readonly guides?: readonly Guide[];
}

/**
 * Overlaid densities.
 * @throws {FisherlabError} if a series or the range is empty, or a value is not finite
 */
export function histogram(series: readonly ValueSeries[], options: HistogramOptions): Figure {
  const lists = series.map(({ name, values }) => finite(`series '${name}'`, values));
  const all = finite('the histogram', lists.flat());
  const [from, to] = options.range ?? wholeRange(all);
  if (!(from < to))
    throw new FisherlabError(
      `the range ${from} to ${to} of the histogram is empty`,
      'give a lower and a higher end',
    );
  const bins = options.bins ?? 60;
  const width = (to - from) / bins;
  const outside = all.filter((value) => value < from || value > to).length;

  const data = series.map(({ name, colour }, index): Plot => {
    const list = at(lists, index);
    const shade = colour ?? colourOf(name, index);
    const heights = new Array<number>(bins).fill(0);
    for (const value of list) {
      if (value < from || value > to) continue;
      const bin = Math.min(bins - 1, Math.floor((value - from) / width));
      heights[bin] = at(heights, bin) + 1 / (list.length * width);
    }
    return {
      type: 'scatter',
      mode: 'lines',
      name: labelOf(name),
      // An empty bin at each end brings the outline down to zero.
      x: Array.from({ length: bins + 2 }, (_, k) => from + (k - 0.5) * width),
      y: [0, ...heights, 0],
      line: { shape: 'hvh', color: shade, width: 1.6 },
      fill: 'tozeroy',
      fillcolor: withOpacity(shade, 0.28),
    };
  });
  const title =
    outside === 0 ? options.x : `${options.x}   (${outside} of ${all.length} values outside)`;
  return figure(data, options, {
    legend: series.length > 1,
    xaxis: axis(title, { range: [from - width, to + width] }),
    yaxis: axis('density', { rangemode: 'tozero' }),
    ...drawGuides(options.guides ?? []),
  });
}

function wholeRange(values: readonly number[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}
