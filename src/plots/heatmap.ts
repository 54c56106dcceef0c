/**
 * # Matrices as colours
 *
 * Windows of the Fisher information, and tables (5 × 5 AUROCs) with numbers in their cells. The
 * scales change evenly in lightness and can be read without colour vision: *viridis* for numbers
 * from a lower limit up, blue–white–red about zero for signed ones (normalised Fisher information,
 * correlations). A missing number (`null`, or NaN) leaves its cell blank.
 */
import type { Plot } from 'nodeplotlib';
import { at } from '../backend/index';
import { FisherlabError } from '../errors';
import { labelOf } from '../set-names';
import { luminance } from './direct-labels';
import {
  axis,
  type Figure,
  type FigureOptions,
  type FigureParts,
  figure,
  INK,
  written,
} from './figure';

export interface HeatmapOptions extends FigureOptions {
  readonly x?: string;
  readonly y?: string;
  /** Names of columns and rows; without them the axes show indices. */
  readonly columns?: readonly string[];
  readonly rows?: readonly string[];
  /** `sequential` (default) or `diverging` about zero. */
  readonly scale?: 'sequential' | 'diverging';
  /** Values at the ends of the colour scale; by default those of the matrix. */
  readonly range?: readonly [number, number];
  /** The meaning of the colour, with its unit. */
  readonly unit?: string;
  /** Decimal places of the numbers in the cells; without it no numbers are written. */
  readonly digits?: number;
  /** Lines between blocks, after these row (and column) indices. */
  readonly blocks?: readonly number[];
}

type Stop = readonly [number, string];
const SEQUENTIAL: readonly Stop[] = [
  [0, '#440154'],
  [0.125, '#472d7b'],
  [0.25, '#3b528b'],
  [0.375, '#2c728e'],
  [0.5, '#21918c'],
  [0.625, '#28ae80'],
  [0.75, '#5ec962'],
  [0.875, '#addc30'],
  [1, '#fde725'],
];
const DIVERGING: readonly Stop[] = [
  [0, '#2166ac'],
  [0.25, '#92c5de'],
  [0.5, '#ffffff'],
  [0.75, '#f4a582'],
  [1, '#b2182b'],
];

/**
 * Draws a matrix, with the first row at the top.
 * @throws {FisherlabError} if rows have unequal lengths, names do not fit them, or no value is
 *   finite
 */
export function heatmap(
  matrix: readonly (readonly (number | null)[])[],
  options: HeatmapOptions = {},
): Figure {
  const height = matrix.length;
  const width = matrix[0]?.length ?? 0;
  const uneven = matrix.findIndex((row) => row.length !== width);
  if (uneven >= 0)
    throw new FisherlabError(
      `row ${uneven} of the matrix has ${matrix[uneven]?.length} numbers, row 0 has ${width}`,
      'give equal rows',
    );
  for (const [names, count] of [
    [options.columns, width] as const,
    [options.rows, height] as const,
  ]) {
    if (names !== undefined && names.length !== count)
      throw new FisherlabError(
        `${names.length} names for ${count}`,
        'give one for each row and column',
      );
  }
  const cells = matrix.map((row) =>
    row.map((value) => (value === null || !Number.isFinite(value) ? null : value)),
  );
  const [low, high] = options.range ?? extent(cells.flat(), options.scale === 'diverging');
  const stops = options.scale === 'diverging' ? DIVERGING : SEQUENTIAL;
  const trace: Plot = {
    type: 'heatmap',
    z: cells,
    zmin: low,
    zmax: high,
    colorscale: stops.map(([at, colour]) => [at, colour]) as [number, string][],
    colorbar: {
      thickness: 14,
      outlinewidth: 0,
      x: 1,
      xpad: 12,
      ypad: 0,
      tickfont: { size: 12 },
      ticks: 'outside',
      ticklen: 4,
      len: 1,
    } as object,
  };
  const inside = { showgrid: false, showline: false, constrain: 'domain' } as const;
  return figure(
    [trace],
    { width: 620, height: 560, ...options },
    {
      xaxis: axis(options.x, { ...inside, ...ticks(options.columns) }),
      // First row on top; cells are squares.
      yaxis: axis(options.y, {
        ...inside,
        autorange: 'reversed',
        scaleanchor: 'x',
        ...ticks(options.rows),
      }),
      annotations: [
        ...(options.digits === undefined
          ? []
          : numbers(cells, options.digits, (value) =>
              inkOn(colourAt(stops, (value - low) / (high - low))),
            )),
        ...(options.unit === undefined ? [] : [beside(options.unit)]),
      ],
      margin: { r: options.unit === undefined ? 76 : 96 },
      layout: { plot_bgcolor: '#eeeeee' }, // the background of blank cells
      shapes: (options.blocks ?? []).flatMap((after) => blockLines(after, width, height)),
    },
  );
}

function ticks(names: readonly string[] | undefined): object {
  if (names === undefined) return { nticks: 8 };
  return {
    tickcolor: 'rgba(0,0,0,0)',
    tickmode: 'array',
    tickvals: names.map((_, i) => i),
    ticktext: names.map(labelOf),
  };
}

function extent(values: readonly (number | null)[], symmetric: boolean): [number, number] {
  const known = values.filter((value): value is number => value !== null);
  if (known.length === 0)
    throw new FisherlabError('the matrix has no finite number', 'a heat map needs at least one');
  const low = known.reduce((a, b) => Math.min(a, b));
  const high = known.reduce((a, b) => Math.max(a, b));
  const reach = Math.max(Math.abs(low), Math.abs(high)) || 1;
  if (symmetric) return [-reach, reach];
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}

function numbers(
  cells: (number | null)[][],
  digits: number,
  ink: (value: number) => string,
): NonNullable<FigureParts['annotations']> {
  return cells.flatMap((row, y) =>
    row.flatMap((value, x) =>
      value === null
        ? []
        : [
            {
              x,
              y,
              text: written(value, digits),
              showarrow: false,
              font: { size: 13, color: ink(value) },
            },
          ],
    ),
  );
}

/** The unit, upright at the right of the colour bar. */
function beside(unit: string): NonNullable<FigureParts['annotations']>[number] {
  return {
    text: unit,
    xref: 'paper',
    yref: 'paper',
    x: 1,
    y: 0.5,
    xanchor: 'left',
    xshift: 66,
    textangle: '90',
    showarrow: false,
    font: { size: 13 },
  };
}

function blockLines(
  after: number,
  width: number,
  height: number,
): NonNullable<FigureParts['shapes']> {
  const shared = { type: 'line', xref: 'x', yref: 'y', line: { color: INK, width: 1 } } as const;
  const at = after + 0.5;
  return [
    { ...shared, x0: at, x1: at, y0: -0.5, y1: height - 0.5 },
    { ...shared, x0: -0.5, x1: width - 0.5, y0: at, y1: at },
  ];
}

const channels = (colour: string): number[] =>
  [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

/**
 * The colour of the scale at `t` in [0, 1], as red, green, blue in 0 … 255, linear between stops as
 * plotly draws it.
 */
function colourAt(stops: readonly Stop[], t: number): number[] {
  const clipped = Math.min(1, Math.max(0, t));
  const next = Math.max(
    1,
    stops.findIndex(([at]) => at >= clipped),
  );
  const [from, start] = stops[next - 1] as Stop;
  const [to, end] = stops[next] as Stop;
  const share = (clipped - from) / (to - from);
  const target = channels(end);
  return channels(start).map((value, i) => value + share * (at(target, i) - value));
}

/**
 * Black or white, whichever contrasts more with the background, by the relative luminance of WCAG
 * 2.
 */
function inkOn(ground: readonly number[]): string {
  // Where both contrasts are equal the luminance is √(1.05 · 0.05) − 0.05.
  return luminance(ground) > 0.179 ? '#000000' : '#ffffff';
}
