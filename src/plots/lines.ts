/**
 * # Lines
 *
 * Training curves, scales over depth, AUROC against B: values over an ordered axis, each line with
 * a band between `low` and `high` where an interval is known.
 */
import type { Plot } from 'nodeplotlib';
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

export interface LineSeries {
  readonly name: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** Ends of the band around the line, as many as there are points. */
  readonly low?: ArrayLike<number>;
  readonly high?: ArrayLike<number>;
  readonly colour?: string;
  /** Marks the points: for few of them. */
  readonly markers?: boolean;
  readonly dashed?: boolean;
}

export interface LinesOptions extends FigureOptions {
  readonly x: string;
  readonly y: string;
  readonly logX?: boolean;
  readonly logY?: boolean;
  readonly rangeY?: readonly [number, number];
  readonly guides?: readonly Guide[];
}

/**
 * Lines with optional bands.
 * @throws {FisherlabError} if lengths are 0 or unequal, a value is not finite, or one on a
 *   logarithmic axis is not above 0
 */
export function lines(series: readonly LineSeries[], options: LinesOptions): Figure {
  const shades = series.map((line, index) => line.colour ?? colourOf(line.name, index));
  const data = series.flatMap((line, index): Plot[] => {
    const x = checked(line, 'x', options.logX);
    const y = checked(line, 'y', options.logY);
    const shade = shades[index] as string;
    const again = shades.indexOf(shade) < index; // there are more lines than colours
    const traces: Plot[] = [];
    if (line.low !== undefined && line.high !== undefined) {
      const low = checked(line, 'low', options.logY);
      const high = checked(line, 'high', options.logY);
      const edge = {
        mode: 'lines',
        line: { width: 0, color: shade },
        showlegend: false,
        hoverinfo: 'skip',
        legendgroup: line.name,
      } as const;
      traces.push({ type: 'scatter', x, y: low, ...edge });
      traces.push({
        type: 'scatter',
        x,
        y: high,
        ...edge,
        fill: 'tonexty',
        fillcolor: withOpacity(shade, 0.2),
      });
    }
    traces.push({
      type: 'scatter',
      mode: line.markers ? 'lines+markers' : 'lines',
      name: labelOf(line.name),
      legendgroup: line.name,
      x,
      y,
      line: { color: shade, width: 2, dash: line.dashed ? 'dash' : again ? 'dot' : 'solid' },
      marker: { size: 7, color: shade },
    });
    return traces;
  });
  const shown = (part: 'x' | 'y') => series.flatMap((line) => Array.from(line[part]));
  return figure(data, options, {
    legend: series.length > 1,
    xaxis: axis(options.x, { log: options.logX ? shown('x') : false }),
    yaxis: axis(options.y, { log: options.logY ? shown('y') : false, ...scaleRange(options) }),
    ...drawGuides(options.guides ?? [], { x: options.logX ?? false, y: options.logY ?? false }),
  });
}

/** Plotly takes the range of a logarithmic axis as powers of ten. */
function scaleRange({ rangeY, logY }: LinesOptions): { range?: number[] } {
  return rangeY === undefined ? {} : { range: rangeY.map((end) => (logY ? Math.log10(end) : end)) };
}

function checked(line: LineSeries, part: 'x' | 'y' | 'low' | 'high', log = false): number[] {
  const values = finite(`${part} of line '${line.name}'`, line[part] ?? []);
  if (values.length !== line.y.length) {
    throw new FisherlabError(
      `line '${line.name}' has ${values.length} values of ${part} for ${line.y.length} points`,
      'give as many as points',
    );
  }
  const bad = log ? values.findIndex((value) => value <= 0) : -1;
  if (bad >= 0) {
    throw new FisherlabError(
      `${part} of line '${line.name}' is ${values[bad]} at index ${bad}`,
      'a logarithmic axis takes positive numbers',
    );
  }
  return values;
}
