/**
 * # Bars with intervals
 *
 * A number per category and series with the ends of its interval: AUROC for each pair of data sets and method. The intervals need not lie
 * evenly about the number (a bootstrap's do not), so both ends are given.
 */
import type { Plot } from 'nodeplotlib';
import { FisherlabError } from '../backend/errors';
import { colourOf, labelOf } from './colours';
import { axis, drawGuides, type Figure, type FigureOptions, figure, finite, type Guide } from './figure';

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
  readonly range?: readonly [number, number];
  readonly guides?: readonly Guide[];
}

/** Groups of bars. Errors: a series whose length is not the number of categories, a value that is not finite, an interval beside its value. */
export function bars(categories: readonly string[], series: readonly BarSeries[], options: BarsOptions): Figure {
  const data = series.map((bar, index): Plot => {
    const values = sized(bar, 'values', categories.length);
    const trace: Plot = {
      type: 'bar',
      name: labelOf(bar.name),
      x: categories.map(labelOf),
      y: values,
      marker: { color: bar.colour ?? colourOf(bar.name, index) },
    };
    if (bar.low !== undefined && bar.high !== undefined) {
      const low = sized(bar, 'low', categories.length);
      const high = sized(bar, 'high', categories.length);
      const above = values.map((value, k) => (high[k] as number) - value);
      const below = values.map((value, k) => value - (low[k] as number));
      const wrong = above.findIndex((length, k) => length < 0 || (below[k] as number) < 0);
      if (wrong >= 0) {
        throw new FisherlabError(
          `the interval of '${bar.name}' at '${categories[wrong]}' does not hold its value`,
          'give low ≤ value ≤ high',
        );
      }
      trace.error_y = {
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
  return figure(data, options, {
    legend: series.length > 1,
    xaxis: axis(options.x, { showgrid: false, ticks: '' }),
    yaxis: axis(options.y, options.range === undefined ? { rangemode: 'tozero' } : { range: [...options.range] }),
    ...drawGuides(options.guides ?? []),
    layout: { barmode: 'group', bargap: 0.25, bargroupgap: 0.06 },
  });
}

function sized(bar: BarSeries, part: 'values' | 'low' | 'high', length: number): number[] {
  const list = finite(`${part} of '${bar.name}'`, bar[part] ?? []);
  if (list.length !== length) {
    throw new FisherlabError(`'${bar.name}' has ${list.length} ${part} for ${length} categories`, 'give one for each category');
  }
  return list;
}
