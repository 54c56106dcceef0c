/**
 * # Bars with intervals
 *
 * A number per category and series with the ends of its interval: AUROC for each pair of data sets
 * and method. The intervals need not be symmetric about the number (those of a bootstrap are not),
 * so both ends are given.
 */
import type { Plot } from 'nodeplotlib';
import { at } from '../backend/index';
import { FisherlabError } from '../errors';
import { labelOf } from '../set-names';
import { colourOf } from './colours';
import {
  axis,
  drawGuides,
  type Figure,
  type FigureOptions,
  figure,
  finite,
  type Guide,
} from './figure';
import { textWidth } from './text-width';

export interface BarSeries {
  readonly name: string;
  /** One number a category. */
  readonly values: ArrayLike<number>;
  /** Lower and upper ends of the intervals. */
  readonly low?: ArrayLike<number>;
  readonly high?: ArrayLike<number>;
  readonly colour?: string;
}

export interface BarsOptions extends FigureOptions {
  readonly y: string;
  readonly x?: string;
  /** What part of the axis to show at least; intervals that reach further are shown whole. */
  readonly range?: readonly [number, number];
  /** The category whose bar stands out in the colour of the paper's method; others recede. */
  readonly highlight?: string;
  readonly guides?: readonly Guide[];
  /**
   * Draws horizontal bars, the first category at the top, for many categories with long names. `y`
   * is then the title of the horizontal axis.
   */
  readonly lying?: boolean;
}

/**
 * Groups of bars.
 * @throws {FisherlabError} if a series has another length than the categories, a value is not
 *   finite, or an interval does not contain its value
 */
export function bars(
  categories: readonly string[],
  series: readonly BarSeries[],
  options: BarsOptions,
): Figure {
  const { lying = false, highlight } = options;
  const shades = (bar: BarSeries, index: number): string | string[] =>
    highlight === undefined
      ? (bar.colour ?? colourOf(bar.name, index))
      : categories.map((name) => colourOf(name === highlight ? PAPER : RECEDING));
  const names = categories.map(labelOf);
  const data = series.map((bar, index): Plot => {
    const values = sized(bar, 'values', categories.length);
    const trace: Plot = {
      type: 'bar',
      name: labelOf(bar.name),
      ...(lying ? { orientation: 'h', x: values, y: names } : { x: names, y: values }),
      marker: { color: shades(bar, index) },
    };
    if (bar.low !== undefined && bar.high !== undefined) {
      const low = sized(bar, 'low', categories.length);
      const high = sized(bar, 'high', categories.length);
      const above = values.map((value, k) => at(high, k) - value);
      const below = values.map((value, k) => value - at(low, k));
      const wrong = above.findIndex((length, k) => length < 0 || at(below, k) < 0);
      if (wrong >= 0) {
        throw new FisherlabError(
          `the interval of '${bar.name}' at '${categories[wrong]}' does not hold its value`,
          'give low ≤ value ≤ high',
        );
      }
      trace[lying ? 'error_x' : 'error_y'] = {
        type: 'data',
        symmetric: false,
        array: above,
        arrayminus: below,
        color: '#222222',
        thickness: 1.3,
        width: 3,
      };
    }
    return trace;
  });
  const kinds = axis(options.x, {
    showgrid: false,
    ticks: '',
    ...(lying ? { autorange: 'reversed' } : {}),
  });
  const numbers = axis(
    options.y,
    options.range === undefined ? { rangemode: 'tozero' } : { range: reach(options.range, series) },
  );
  const guides = drawGuides(options.guides ?? []);
  const left = lying ? { l: 24 + Math.max(...names.map((name) => textWidth(name, 12))) } : {};
  return figure(data, options, {
    legend: series.length > 1,
    xaxis: lying ? numbers : kinds,
    yaxis: lying ? kinds : numbers,
    ...guides,
    margin: { ...guides.margin, ...left },
    layout: { barmode: 'group', bargap: 0.25, bargroupgap: 0.06 },
  });
}

const PAPER = 'layer-wise gradients';
const RECEDING = 'likelihood';

/** A range wide enough for every interval with the line at its end. */
function reach([from, to]: readonly [number, number], series: readonly BarSeries[]): number[] {
  const room = 0.02 * (to - from);
  const lows = series.flatMap(({ low }) => Array.from(low ?? []));
  const highs = series.flatMap(({ high }) => Array.from(high ?? []));
  const [least, most] = [Math.min(from, ...lows), Math.max(to, ...highs)];
  return [
    lows.some((end) => end < from + room / 2) && least < 0 ? least - room : least,
    highs.some((end) => end > to - room / 2) ? most + room : most,
  ];
}

function sized(bar: BarSeries, part: 'values' | 'low' | 'high', length: number): number[] {
  const list = finite(`${part} of '${bar.name}'`, bar[part] ?? []);
  if (list.length !== length) {
    throw new FisherlabError(
      `'${bar.name}' has ${list.length} ${part} for ${length} categories`,
      'give one for each category',
    );
  }
  return list;
}
