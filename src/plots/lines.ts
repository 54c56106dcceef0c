/**
 * # Lines
 *
 * Training curves, scales over depth, AUROC against B: values over an ordered axis, each line with
 * a band between `low` and `high` if an interval is known.
 */
import type { Plot } from 'nodeplotlib';
import { FisherlabError } from '../errors';
import { labelOf } from '../set-names';
import { colourOf, withOpacity } from './colours';
import { endLabels, endRoom, LEGEND_SERIES } from './direct-labels';
import { type AxesOptions, axis, drawGuides, type Figure, figure, finite, roomy } from './figure';

export interface LineSeries {
  readonly name: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** Ends of the band around the line, as many as there are points. */
  readonly low?: ArrayLike<number>;
  readonly high?: ArrayLike<number>;
  readonly colour?: string;
  /** Whether to mark the points, useful if there are few. */
  readonly markers?: boolean;
  readonly dashed?: boolean;
}

export interface LinesOptions extends AxesOptions {
  readonly rangeY?: readonly [number, number];
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
        fillcolor: withOpacity(shade, series.length > LEGEND_SERIES ? 0.08 : 0.2),
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
  const { logX = false, logY = false } = options;
  const shown = (part: 'x' | 'y') => series.flatMap((line) => Array.from(line[part]));
  const bands = series.flatMap(({ low = [], high = [] }) => [
    ...Array.from(low),
    ...Array.from(high),
  ]);
  const marked = (along: 'x' | 'y') =>
    (options.guides ?? []).flatMap((guide) => (guide.axis === along ? [guide.value] : []));
  // Plotly takes the range of a logarithmic axis as powers of ten.
  const scaled = (values: readonly number[], log: boolean) =>
    log ? values.map((value) => Math.log10(value)) : values;
  const rangeX = roomy(scaled([...shown('x'), ...marked('x')], logX), 0.03);
  const rangeY =
    options.rangeY === undefined
      ? roomy(scaled([...shown('y'), ...bands, ...marked('y')], logY))
      : (scaled(options.rangeY, logY) as [number, number]);
  const direct = options.legend !== false && series.length > LEGEND_SERIES;
  const guides = drawGuides(options.guides ?? [], { x: logX, y: logY });
  const named = series.map((line, index) => ({
    name: labelOf(line.name),
    colour: shades[index] as string,
    x: scaled(Array.from(line.x), logX),
    y: scaled(Array.from(line.y), logY),
  }));
  const room = direct ? endRoom(named.map(({ name }) => name)) : 0;
  const size = {
    width: (options.width ?? 720) - 96 - room,
    height: (options.height ?? 420) - 104,
  };
  return figure(data, options, {
    legend: (options.legend ?? series.length > 1) && !direct,
    xaxis: axis(options.x, { log: logX ? shown('x') : false, range: rangeX }),
    yaxis: axis(options.y, { log: logY ? shown('y') : false, range: rangeY }),
    shapes: guides.shapes ?? [],
    annotations: [
      // The names of lines come after the plot; the label of a guide is on it, in the plot.
      ...(guides.annotations ?? []).map((note) =>
        direct && note.yref === 'y'
          ? { ...note, xanchor: 'right' as const, yanchor: 'bottom' as const, xshift: -4 }
          : note,
      ),
      ...(direct ? endLabels(named, { ...size, x: rangeX, y: rangeY }) : []),
    ],
    margin: direct ? { r: room + 8 } : { ...guides.margin },
  });
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
