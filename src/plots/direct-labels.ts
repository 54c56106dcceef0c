/**
 * # Names next to their curves
 *
 * With more than three series, a legend makes the reader look back and forth for each of them. Here
 * the names are in the plot, in the colour of their series: above the peak of a density, or after
 * the end of a line. Positions are in pixels. Each name takes the cheapest of a small grid of
 * positions around its peak: covering another name costs most, covering a curve less, and distance
 * least. A name that had to move away is joined to its peak by a thin line. Names after lines keep
 * their order and are pushed apart until none touches another.
 */
import type { FigureParts } from './figure';
import { textWidth } from './text-width';

type Annotations = NonNullable<FigureParts['annotations']>;
type Shapes = NonNullable<FigureParts['shapes']>;

/** With more series than this, names are in the plot; otherwise in a legend. */
export const LEGEND_SERIES = 3;

const SIZE = 13;
const ROW = 17;

/** A curve in the units of its axes, and what to write. */
export interface Named {
  readonly name: string;
  readonly colour: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** The plot: its size in pixels and the ranges of its axes. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Names near the peaks of curves, the highest peak first. */
export function peakLabels(
  curves: readonly Named[],
  frame: Frame,
): { annotations: Annotations; shapes: Shapes } {
  const toX = scale(frame.x, frame.width);
  const toY = scale(frame.y, frame.height);
  const outlines = curves.map(({ x, y }) =>
    x.map((value, i) => ({ x: toX(value), y: frame.height - toY(y[i] as number) })),
  );
  const placed: Box[] = [];
  const peaks = curves
    .map((curve, c) => ({ curve, peak: outlines[c]?.reduce((a, b) => (b.y < a.y ? b : a)) }))
    .flatMap(({ curve, peak }) => (peak === undefined ? [] : [{ curve, peak }]))
    .sort((a, b) => a.peak.y - b.peak.y);
  const annotations: Annotations = [];
  const shapes: Shapes = [];
  for (const { curve, peak } of peaks) {
    const width = textWidth(curve.name, SIZE) + 6;
    const cost = (box: Box) => {
      if (box.left < 0 || box.right > frame.width || box.top < -4) return 1e6;
      const names = placed.filter((other) => overlap(box, other)).length;
      const covered = outlines.filter((points) => reaches(points, box)).length;
      const [dx, dy] = [(box.left + box.right) / 2 - peak.x, peak.y - box.bottom];
      return 1000 * names + 150 * covered + 0.5 * Math.abs(dx) + Math.abs(dy);
    };
    const box = PLACES.map(
      ([dx, rows]): Box => ({
        left: peak.x + dx - width / 2,
        right: peak.x + dx + width / 2,
        top: peak.y - 3 - ROW * (rows + 1),
        bottom: peak.y - 3 - ROW * rows,
      }),
    ).reduce((best, next) => (cost(next) < cost(best) ? next : best));
    placed.push(box);
    const [dx, dy] = [(box.left + box.right) / 2 - peak.x, (box.top + box.bottom) / 2 - peak.y];
    const toData = (x: number, y: number) => ({
      x: frame.x[0] + (x / frame.width) * (frame.x[1] - frame.x[0]),
      y: frame.y[0] + (1 - y / frame.height) * (frame.y[1] - frame.y[0]),
    });
    const from = toData(peak.x, peak.y - 1);
    const to = toData(peak.x + 0.8 * dx, box.bottom - 2);
    const far = Math.abs(dx) > width / 2 + 4 || -dy > 2 * ROW;
    if (far)
      shapes.push({
        type: 'line',
        xref: 'x',
        yref: 'y',
        x0: from.x,
        y0: from.y,
        x1: to.x,
        y1: to.y,
        line: { color: curve.colour, width: 0.8 },
      });
    annotations.push({
      text: curve.name,
      font: { size: SIZE, color: textColour(curve.colour) },
      xref: 'x',
      yref: 'y',
      ...toData(peak.x, peak.y),
      borderpad: 0,
      showarrow: false,
      xshift: dx,
      yshift: -dy,
    });
  }
  return { annotations, shapes };
}

const PLACES = Array.from({ length: 9 }, (_, rows) =>
  [0, -25, 25, -50, 50, -80, 80, -110, 110, -150, 150].map((dx) => [dx, rows] as const),
).flat();

const overlap = (a: Box, b: Box) =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** Whether a curve enters a box. */
const reaches = (points: readonly { x: number; y: number }[], box: Box) =>
  points.some(({ x, y }) => x > box.left - 2 && x < box.right + 2 && y < box.bottom + 1);

/** Names after the right ends of lines, at the right edge of the plot. */
export function endLabels(lines: readonly Named[], frame: Frame): Annotations {
  const toY = scale(frame.y, frame.height);
  const ends = lines
    .map(({ name, colour, y }) => {
      const value = y[y.length - 1] as number;
      return { name, colour, value, wanted: toY(value) };
    })
    .sort((a, b) => a.wanted - b.wanted);
  const at: number[] = [];
  for (const { wanted } of ends) at.push(Math.max(wanted, (at[at.length - 1] ?? -1e9) + ROW));
  for (let i = at.length - 1, most = frame.height; i >= 0; i--, most -= ROW)
    at[i] = Math.min(at[i] as number, most);
  return ends.map(({ name, colour, value, wanted }, i) => ({
    text: name,
    font: { size: SIZE, color: textColour(colour) },
    xref: 'paper',
    yref: 'y',
    x: 1,
    y: value,
    xanchor: 'left',
    yanchor: 'middle',
    xshift: 4,
    yshift: (at[i] as number) - wanted,
    showarrow: false,
    borderpad: 0,
  }));
}

/** How much room the names after lines need at the right, in pixels. */
export const endRoom = (names: readonly string[]): number =>
  10 + Math.max(...names.map((name) => textWidth(name, SIZE)));

const scale =
  ([low, high]: readonly [number, number], pixels: number) =>
  (value: number) =>
    ((value - low) / (high - low)) * pixels;

/** A colour darkened until its contrast against white is 4.5 : 1 (WCAG 2). */
export function textColour(colour: string): string {
  const channels = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  for (let share = 1; share > 0; share -= 0.05) {
    const darker = channels.map((value) => Math.round(value * share));
    if (1.05 / (luminance(darker) + 0.05) >= 4.5)
      return `#${darker.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
  }
  return '#000000';
}

/** Relative luminance of red, green and blue in 0 … 255 (WCAG 2). */
export function luminance(channels: readonly number[]): number {
  const [r, g, b] = channels.map((value) => {
    const c = value / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
