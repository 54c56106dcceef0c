/**
 * # Overlaid densities of scores
 *
 * Each series becomes a histogram on bins common to all, divided by its own count and the bin's
 * width: its area is 1, so that sets of different sizes can be compared. With n values and m bins
 * on [a, b] the height of bin k is `#{i : x_i in bin k} · m / (n (b − a))`. The heights are joined
 * by a line over a light, transparent fill. With more than three series, the names are in the plot.
 * If a few values are far out, the axis ends before them and says how many there are.
 */
import type { Plot } from 'nodeplotlib';
import { at } from '../backend/index';
import { FisherlabError } from '../errors';
import { labelOf } from '../set-names';
import { colourOf, withOpacity } from './colours';
import { LEGEND_SERIES, peakLabels } from './direct-labels';
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
  /** By default as many as the smallest series allows. */
  readonly bins?: number;
  /**
   * The part of the axis to show; by default all values, or the middle 99 % of every series if
   * tails are long. Values outside are counted in the axis title.
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
  const [from, to] = options.range ?? mainRange(lists, all);
  if (!(from < to))
    throw new FisherlabError(
      `the range ${from} to ${to} of the histogram is empty`,
      'give a lower and a higher end',
    );
  const bins = options.bins ?? binsFor(Math.min(...lists.map(({ length }) => length)));
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
      // An empty bin at each end makes the outline start and end at zero.
      x: Array.from({ length: bins + 2 }, (_, k) => from + (k - 0.5) * width),
      y: [0, ...heights, 0],
      line: { color: shade, width: 2 },
      fill: 'tozeroy',
      fillcolor: withOpacity(shade, 0.1),
    };
  });
  const title =
    outside === 0 ? options.x : `${options.x}   (${outside} of ${all.length} values outside)`;
  const direct = options.legend !== false && series.length > LEGEND_SERIES;
  const guides = drawGuides(options.guides ?? []);
  const curves = data.map(({ name, x, y }, index) => ({
    name: String(name),
    colour: series[index]?.colour ?? colourOf(series[index]?.name ?? '', index),
    x: x as number[],
    y: y as number[],
  }));
  const range: [number, number] = [from - width, to + width];
  const most = Math.max(...curves.flatMap(({ y }) => y));
  // Leave room above the highest peak for names, even if some have to move.
  const rangeY: [number, number] = [0, most * (direct ? 1.3 : 1.08)];
  const size = { width: (options.width ?? 720) - 96, height: (options.height ?? 420) - 104 };
  const labels = direct ? peakLabels(curves, { ...size, x: range, y: rangeY }) : NO_LABELS;
  return figure(data, options, {
    legend: (options.legend ?? series.length > 1) && !direct,
    xaxis: axis(title, { range }),
    yaxis: axis('density', { range: rangeY }),
    ...guides,
    annotations: [...(guides.annotations ?? []), ...labels.annotations],
    shapes: [...(guides.shapes ?? []), ...labels.shapes],
  });
}

const NO_LABELS: ReturnType<typeof peakLabels> = { annotations: [], shapes: [] };

/**
 * The number of bins for n values: more values allow finer bins, but not so fine that they show
 * noise.
 */
const binsFor = (n: number): number => Math.max(12, Math.min(60, Math.round(1.6 * Math.sqrt(n))));

/** Share of a series that may be left out at each of its ends. */
const TAIL = 0.005;

/** The middle 99 % of every series together, unless the range of all values is hardly wider. */
function mainRange(lists: readonly number[][], all: readonly number[]): [number, number] {
  const [low, high] = wholeRange(all);
  const sorted = lists.map((list) => [...list].sort((a, b) => a - b));
  const at = (list: readonly number[], share: number) =>
    list[Math.round(share * (list.length - 1))] as number;
  const from = Math.min(...sorted.map((list) => at(list, TAIL)));
  const to = Math.max(...sorted.map((list) => at(list, 1 - TAIL)));
  return to - from > 0 && high - low > 1.2 * (to - from) ? [from, to] : [low, high];
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
