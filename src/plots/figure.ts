/**
 * # A figure is a value
 *
 * A figure is a plotly specification: what is drawn (`data`) and how (`layout`), a plain object
 * that can be compared, stored, shown in a notebook, turned into SVG and PNG (`render.ts`), or
 * streamed into a live window (`live.ts`). The small functions of this room each make one kind of
 * figure and agree on everything else here: an opaque white background with dark ink (a picture in
 * a notebook cannot know whether its page is light or dark; with its own background it is legible
 * on both), one typeface with the widths of Arial, a light grid, the title at the left, and the
 * legend below it.
 *
 * The types are those of `nodeplotlib`, so that every figure can also be given to its `plot()`.
 */
import type { Layout, Plot } from 'nodeplotlib';
import { FisherlabError } from '../errors';
import { textWidth } from './text-width';

export interface Figure {
  readonly data: Plot[];
  readonly layout: Layout;
  /**
   * What to see in it. It is shown below the figure, and describes it to readers who cannot see it.
   */
  readonly caption?: string;
}

type Axis = NonNullable<Layout['xaxis']>;
type Annotation = NonNullable<Layout['annotations']>[number];
type Shape = NonNullable<Layout['shapes']>[number];

/** Options of every kind of figure. Sizes are in pixels. */
export interface FigureOptions {
  readonly title?: string;
  /** What to see in the figure, in a sentence or two. */
  readonly caption?: string;
  /** False if the figure needs no legend, for example because panels share one. */
  readonly legend?: boolean;
  readonly width?: number;
  readonly height?: number;
}

/** Options of figures of points or lines over two numerical axes. */
export interface AxesOptions extends FigureOptions {
  /** Titles of the axes, with their units. */
  readonly x: string;
  readonly y: string;
  readonly logX?: boolean;
  readonly logY?: boolean;
  readonly guides?: readonly Guide[];
}

/** The parts in which kinds of figures differ. */
export interface FigureParts {
  readonly xaxis?: Axis;
  readonly yaxis?: Axis;
  readonly legend?: boolean;
  readonly margin?: NonNullable<Layout['margin']>;
  readonly annotations?: Partial<Annotation>[];
  readonly shapes?: Partial<Shape>[];
  readonly layout?: Layout;
}

const FONT_FAMILY = "Arimo, Arial, Helvetica, 'Liberation Sans', sans-serif";
export const INK = '#222222';
const FAINT_INK = '#666666';
const GRID = '#e8e8e8';

/** Puts traces and parts into the common frame. */
export function figure(data: Plot[], options: FigureOptions, parts: FigureParts): Figure {
  const legend = parts.legend ?? false;
  const titled = options.title !== undefined;
  const width = options.width ?? 720;
  const sides = { l: 72, r: 24, ...parts.margin };
  const above =
    (titled ? 30 : 0) + (legend ? 2 + LEGEND_ROW * legendRows(data, width - sides.l - sides.r) : 0);
  const layout: Layout = {
    width,
    height: options.height ?? 420,
    paper_bgcolor: '#ffffff',
    plot_bgcolor: '#ffffff',
    font: { family: FONT_FAMILY, size: 14, color: INK },
    margin: { ...sides, t: 14 + above, b: parts.xaxis?.title ? 60 : 36, ...parts.margin },
    showlegend: legend,
    legend: {
      orientation: 'h',
      x: 0,
      xanchor: 'left',
      y: 1.01,
      yanchor: 'bottom',
      font: { size: 13 },
      traceorder: 'normal',
    },
    xaxis: { ...axisFrame(), ...parts.xaxis },
    yaxis: { ...axisFrame(), ...parts.yaxis },
    annotations: parts.annotations ?? [],
    shapes: parts.shapes ?? [],
    ...parts.layout,
  };
  if (titled) {
    layout.title = {
      text: `<b>${options.title}</b>`,
      font: { size: 16 },
      x: 0.012,
      xanchor: 'left',
      yref: 'container',
      y: 0.995,
      yanchor: 'top',
      pad: { t: 12, l: 0, b: 0, r: 0 },
    } as Layout['title'];
  }
  return options.caption === undefined
    ? { data, layout }
    : { data, layout, caption: options.caption };
}

/** Height of a row of a legend. */
const LEGEND_ROW = 20;

/**
 * The number of rows into which plotly breaks a legend as wide as the plot. If not all entries fit
 * into one row, all columns are as wide as the widest entry.
 */
function legendRows(data: readonly Plot[], width: number): number {
  const entries = data.filter(({ showlegend, name }) => showlegend !== false && name !== undefined);
  // 45: the symbol and the gaps beside it
  const widths = entries.map(({ name }) => textWidth(String(name), 13) + 45);
  if (widths.reduce((sum, one) => sum + one, 0) <= width) return 1;
  return Math.ceil(entries.length / Math.max(1, Math.floor(width / Math.max(...widths))));
}

function axisFrame(): Axis {
  return {
    gridcolor: GRID,
    zeroline: false,
    showline: true,
    linecolor: '#888888',
    ticks: 'outside',
    ticklen: 4,
    tickcolor: '#888888',
    automargin: true,
    tickfont: { size: 12 },
  } as Axis;
}

/** An axis with its title; `log` for a logarithmic one: the values it shows, all positive. */
export function axis(
  title: string | undefined,
  more: Axis & { log?: readonly number[] | false } = {},
): Axis {
  const { log, ...rest } = more;
  return {
    ...axisFrame(),
    ...(title ? { title: { text: title, standoff: 10, font: { size: 14 } } } : {}),
    exponentformat: 'power',
    ...(log ? logarithmic(log) : {}),
    ...rest,
  } as Axis;
}

/**
 * Ticks at powers of ten, or, if the values span fewer than two of them, at 1, 2 and 5 times each
 * power.
 */
function logarithmic(values: readonly number[]): Axis {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  // Plotly writes powers a quarter larger than other ticks.
  if (high >= 100 * low) return { type: 'log', dtick: 1, tickfont: { size: 10 } };
  const first = Math.floor(Math.log10(low));
  const powers = Array.from(
    { length: Math.floor(Math.log10(high)) - first + 1 },
    (_, k) => first + k,
  );
  const tickvals = powers.flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)));
  return { type: 'log', tickmode: 'array', tickvals, ticktext: tickvals.map(String) };
}

/**
 * A line across the whole plot at a value of one axis, with a word on it: chance level, a
 * threshold, a noise floor.
 */
export interface Guide {
  readonly axis: 'x' | 'y';
  readonly value: number;
  readonly label?: string;
  /**
   * The line of the label of a vertical guide, counted from the top: 0, 1, … Use it if labels would
   * overlap.
   */
  readonly row?: number;
}

/** Height of a line of labels. */
const LABEL_ROW = 17;

/**
 * Guides as shapes and annotations. On a logarithmic axis plotly wants the annotation's position as
 * log10.
 */
export function drawGuides(
  guides: readonly Guide[],
  log: { x?: boolean; y?: boolean } = {},
): Pick<FigureParts, 'shapes' | 'annotations' | 'margin'> {
  const line = { color: '#777777', width: 1.2, dash: 'dash' as const };
  const shapes = guides.map(
    ({ axis: along, value }): Partial<Shape> =>
      along === 'x'
        ? { type: 'line', xref: 'x', yref: 'paper', x0: value, x1: value, y0: 0, y1: 1, line }
        : { type: 'line', xref: 'paper', yref: 'y', x0: 0, x1: 1, y0: value, y1: value, line },
  );
  const annotations = guides.flatMap(
    ({ axis: along, value, label, row = 0 }): Partial<Annotation>[] => {
      if (label === undefined) return [];
      const at = (along === 'x' ? log.x : log.y) ? Math.log10(value) : value;
      const text = { text: label, showarrow: false, font: { size: 12, color: FAINT_INK } };
      // Other guides may run behind the label of a vertical one.
      const ground = { bgcolor: 'rgba(255,255,255,0.85)', borderpad: 0, yshift: -LABEL_ROW * row };
      return along === 'x'
        ? [
            {
              ...text,
              ...ground,
              xref: 'x',
              yref: 'paper',
              x: at,
              y: 1,
              xanchor: 'left',
              yanchor: 'top',
              xshift: 3,
            },
          ]
        : [
            {
              ...text,
              xref: 'paper',
              yref: 'y',
              x: 1,
              y: at,
              xanchor: 'left',
              yanchor: 'middle',
              xshift: 4,
            },
          ];
    },
  );
  const beside = guides
    .filter((guide) => guide.axis === 'y')
    .map((guide) => textWidth(guide.label ?? '', 12));
  return { shapes, annotations, margin: { r: 24 + Math.max(0, ...beside) } };
}

/**
 * A range with a margin on both sides, so that no value is at the edge; [0, 1] if there are no
 * values.
 */
export function roomy(values: readonly number[], share = 0.05): [number, number] {
  if (values.length === 0) return [0, 1];
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const room = low < high ? share * (high - low) : 0.5;
  return [low - room, high + room];
}

/** A number with the minus sign of the axes. */
export const written = (value: number, digits: number): string =>
  value.toFixed(digits).replace('-', '−');

/**
 * Numbers of any array type as a plain array. Throws if it is empty or a number is not finite;
 * `what` names the numbers in the error.
 */
export function finite(what: string, values: ArrayLike<number>): number[] {
  const list = Array.from(values);
  if (list.length === 0) throw new FisherlabError(`${what} is empty`, 'give at least one value');
  const bad = list.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new FisherlabError(
      `${what} has the value ${list[bad]} at index ${bad}`,
      'a figure is drawn from finite numbers only',
    );
  return list;
}
