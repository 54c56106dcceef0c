/**
 * # Points
 *
 * Draws two numbers of every image or layer against each other. `diagonal` draws y = x over the
 * common range, where equal numbers are.
 */
import type { Plot } from 'nodeplotlib';
import { FisherlabError } from '../errors';
import { labelOf } from '../set-names';
import { colourOf, withOpacity } from './colours';
import { type AxesOptions, axis, drawGuides, type Figure, figure, finite } from './figure';

export interface PointSeries {
  readonly name: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  readonly colour?: string;
}

export interface ScatterOptions extends AxesOptions {
  readonly diagonal?: boolean;
  /** Diameter of a point in pixels; by default smaller the more there are. */
  readonly size?: number;
}

/**
 * Clouds of points.
 * @throws {FisherlabError} if a series is empty, its x and y differ in length, or a value is not
 *   finite
 */
export function scatter(series: readonly PointSeries[], options: ScatterOptions): Figure {
  const lists = series.map(({ name, x, y }) => {
    if (x.length !== y.length)
      throw new FisherlabError(
        `'${name}' has ${x.length} x for ${y.length} y`,
        'give equally many of both',
      );
    return { x: finite(`x of '${name}'`, x), y: finite(`y of '${name}'`, y) };
  });
  const most = lists.reduce((count, { x }) => Math.max(count, x.length), 0);
  const size = options.size ?? (most > 1000 ? 4 : most > 200 ? 5 : 7);
  const data = series.map(({ name, colour }, index): Plot => {
    const shade = colour ?? colourOf(name, index);
    return {
      type: 'scatter',
      mode: 'markers',
      name: labelOf(name),
      ...(lists[index] as { x: number[]; y: number[] }),
      marker: { size, color: withOpacity(shade, most > 200 ? 0.5 : 0.85), line: { width: 0 } },
    };
  });
  if (options.diagonal) {
    const both = lists.flatMap(({ x, y }) => [...x, ...y]);
    const ends = [both.reduce((a, b) => Math.min(a, b)), both.reduce((a, b) => Math.max(a, b))];
    const line = { color: '#777777', width: 1.2, dash: 'dash' } as const;
    data.unshift({
      type: 'scatter',
      mode: 'lines',
      x: ends,
      y: ends,
      line,
      showlegend: false,
      hoverinfo: 'skip',
    });
  }
  return figure(data, options, {
    legend: options.legend ?? series.length > 1,
    xaxis: axis(options.x, { log: options.logX ? lists.flatMap(({ x }) => x) : false }),
    yaxis: axis(options.y, { log: options.logY ? lists.flatMap(({ y }) => y) : false }),
    ...drawGuides(options.guides ?? [], { x: options.logX ?? false, y: options.logY ?? false }),
  });
}
