/**
 * # Several figures as one
 *
 * The paper's figures have panels: in one row the histogram of one layer, that of another, and both
 * against each other. Each panel is a complete figure, drawn into its part of the whole with its
 * title above it. Either each panel names its own curves, or all share one legend that lists each
 * name once.
 */
import type { Layout, Plot } from 'nodeplotlib';
import { FisherlabError } from '../errors';
import { type Figure, type FigureOptions, figure } from './figure';

export interface PanelsOptions extends FigureOptions {
  /** Panels in a row; by default all. */
  readonly columns?: number;
  /** One legend above all panels, for parts that were made with `legend: false`. */
  readonly legend?: boolean;
}

type Margin = { l: number; r: number; t: number; b: number };
type Part = Record<string, unknown>;

/**
 * Arranges panels row by row, each with its own size.
 * @throws {FisherlabError} if none is given
 */
export function panels(parts: readonly Figure[], options: PanelsOptions = {}): Figure {
  if (parts.length === 0) throw new FisherlabError('there are no panels', 'give at least one');
  const columns = Math.min(parts.length, options.columns ?? parts.length);
  const sizeOf = ({ layout }: Figure, side: 'width' | 'height') => layout[side] as number;
  const inColumn = (c: number) => parts.filter((_, k) => k % columns === c);
  const inRow = (r: number) => parts.slice(r * columns, (r + 1) * columns);
  const widths = Array.from({ length: columns }, (_, c) =>
    Math.max(...inColumn(c).map((part) => sizeOf(part, 'width'))),
  );
  const heights = Array.from({ length: Math.ceil(parts.length / columns) }, (_, r) =>
    Math.max(...inRow(r).map((part) => sizeOf(part, 'height'))),
  );
  const { legend = false } = options;
  const above = (options.title === undefined ? 0 : 34) + (legend ? 24 : 0);
  const width = sum(widths);
  const height = sum(heights);
  const named = new Set<unknown>();
  const data: Plot[] = [];
  const axes: Record<string, unknown> = {};
  const annotations: Part[] = [];
  const shapes: Part[] = [];
  const images: Part[] = [];
  parts.forEach((part, k) => {
    const left = sum(widths.slice(0, k % columns));
    const top = sum(heights.slice(0, Math.floor(k / columns)));
    const margin = part.layout.margin as Margin;
    const inner = {
      x: [(left + margin.l) / width, (left + sizeOf(part, 'width') - margin.r) / width],
      y: [1 - (top + sizeOf(part, 'height') - margin.b) / height, 1 - (top + margin.t) / height],
    };
    const n = k === 0 ? '' : `${k + 1}`;
    const [x, y] = [`x${n}`, `y${n}`];
    axes[`xaxis${n}`] = {
      ...part.layout.xaxis,
      ...anchored(part.layout.xaxis, y),
      domain: inner.x,
    };
    axes[`yaxis${n}`] = {
      ...part.layout.yaxis,
      ...anchored(part.layout.yaxis, x),
      domain: inner.y,
      ...(part.layout.yaxis?.scaleanchor === undefined ? {} : { scaleanchor: x }),
    };
    for (const trace of part.data) {
      const { colorbar } = trace as { colorbar?: Part };
      const first = !named.has(trace.name);
      if (trace.showlegend !== false) named.add(trace.name);
      data.push({
        ...trace,
        xaxis: x,
        yaxis: y,
        ...(legend
          ? {
              legendgroup: String(trace.name),
              showlegend: trace.showlegend !== false && first,
            }
          : {}),
        ...(colorbar === undefined ? {} : { colorbar: besidePanel(colorbar, inner) }),
      } as Plot);
    }
    annotations.push(...(part.layout.annotations ?? []).map((one) => moved(one as Part, x, y)));
    shapes.push(...(part.layout.shapes ?? []).map((one) => moved(one as Part, x, y)));
    images.push(
      ...((part.layout.images ?? []) as Part[]).map((one) => ({ ...one, xref: x, yref: y })),
    );
    const title = part.layout.title as { text?: string } | undefined;
    if (title?.text !== undefined)
      annotations.push({
        text: title.text,
        xref: `${x} domain`,
        yref: `${y} domain`,
        x: 0,
        y: 1,
        xanchor: 'left',
        yanchor: 'bottom',
        yshift: 8,
        showarrow: false,
        font: { size: 14 },
      });
  });
  const margin = { l: 0, r: 0, t: above, b: 0 };
  const corner = { x: 12 / width };
  return figure(
    data,
    { ...options, width, height: height + above },
    {
      legend,
      annotations,
      shapes,
      margin,
      layout: {
        ...axes,
        images,
        margin,
        legend: { orientation: 'h', ...corner, y: 1, yanchor: 'bottom', font: { size: 13 } },
      } as Layout,
    },
  );
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** An axis that shares its scale with another keeps to its own plot. */
const anchored = (axis: object | undefined, other: string) =>
  axis === undefined ? {} : { anchor: other };

function besidePanel(colorbar: Part, { x, y }: { x: number[]; y: number[] }): Part {
  const [from, to] = y as [number, number];
  return { ...colorbar, x: x[1], y: (from + to) / 2, len: to - from, lenmode: 'fraction' };
}

/** A part that stood on the axes, or on the plot, of its figure, on those of its panel. */
function moved(part: Part, x: string, y: string): Part {
  const to = (own: string, ref: unknown) => (ref === 'paper' ? `${own} domain` : own);
  return { ...part, xref: to(x, part.xref), yref: to(y, part.yref) };
}
