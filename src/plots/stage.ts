/**
 * # Running plotly without a browser
 *
 * Plotly draws into a document. Here the document is `jsdom`'s, which does no layout, so it cannot
 * measure text, and has no canvas. Both are supplied: bounding boxes from the font's own widths
 * (`text-width.ts`), and the two canvas functions that plotly's heat map uses, taking pixels and
 * turning them into a PNG.
 */
import { readFileSync } from 'node:fs';
import { pngDataUri } from './png';
import { ASCENT, DESCENT, textWidth } from './text-width';

/** The part of plotly that is used here. */
interface Plotly {
  newPlot(element: unknown, data: unknown, layout: unknown, config: unknown): Promise<unknown>;
  toImage(element: unknown, options: unknown): Promise<string>;
  purge(element: unknown): void;
}

/**
 * The properties of DOM nodes that are used here; notebooks compile without the types of the DOM.
 */
interface Node {
  readonly nodeType: number;
  readonly tagName: string;
  readonly textContent: string;
  readonly childNodes: ArrayLike<Node>;
  readonly parentNode: Node | null;
  readonly style?: { fontSize: string; fontWeight: string };
  getAttribute(name: string): string | null;
}

interface Window {
  readonly document: {
    createElement(tag: string): unknown;
    body: { appendChild(child: unknown): void; removeChild(child: unknown): void };
  };
  readonly Plotly: Plotly;
  readonly Math: { random: () => number };
  readonly URL: { createObjectURL?: () => string };
  readonly SVGElement: { prototype: object };
  readonly HTMLCanvasElement: { prototype: object };
  eval(source: string): unknown;
}

let stage: Window | undefined;

/** The document, with plotly in it; made at the first call (about half a second). */
export function openStage(): Window {
  if (stage !== undefined) return stage;
  const { JSDOM } = require('jsdom') as typeof import('jsdom');
  const { window } = new JSDOM('<!DOCTYPE html><body></body>', {
    runScripts: 'outside-only',
    pretendToBeVisual: true,
  });
  const made = window as unknown as Window;
  made.URL.createObjectURL = () => '';
  Object.assign(made.SVGElement.prototype, {
    getBBox(this: Node) {
      return asRectangle(boxOf(this, IDENTITY));
    },
    getBoundingClientRect(this: Node) {
      return asRectangle(boxOf(this, transformsAbove(this)));
    },
    getComputedTextLength(this: Node) {
      return asRectangle(boxOf(this, IDENTITY)).width;
    },
  });
  Object.assign(made.HTMLCanvasElement.prototype, canvasMethods());
  made.eval(readFileSync(require.resolve('plotly.js-dist-min/plotly.min.js'), 'utf8'));
  stage = made;
  return made;
}

/** Left, top, right, bottom. */
type Box = readonly [number, number, number, number];
/**
 * An affine map (x, y) → (a x + c y + e, b x + d y + f), in the order of SVG's
 * `matrix(a b c d e f)`.
 */
type Matrix = readonly [number, number, number, number, number, number];
const IDENTITY: Matrix = [1, 0, 0, 1, 0, 0];

function asRectangle(box: Box | null) {
  const [left, top, right, bottom] = box ?? [0, 0, 0, 0];
  return { x: left, y: top, left, top, right, bottom, width: right - left, height: bottom - top };
}

/**
 * The box of an element under a map: for a text its lines, for a rectangle itself, for a group its
 * contents. Curves take no room in the layout.
 */
function boxOf(node: Node, map: Matrix): Box | null {
  const tag = node.tagName.toLowerCase();
  if (tag === 'text') return mapped(textBox(node), map);
  if (tag === 'tspan')
    return mapped([0, -ASCENT * sizeOf(node), spanWidth(node), DESCENT * sizeOf(node)], map);
  if (tag === 'rect' || tag === 'image') {
    const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((name) =>
      Number(node.getAttribute(name) ?? 0),
    ) as [number, number, number, number];
    return mapped([x, y, x + width, y + height], map);
  }
  let union: Box | null = null;
  for (const child of elementsOf(node)) {
    const box = boxOf(child, times(map, transformOf(child)));
    if (box === null) continue;
    union =
      union === null
        ? box
        : [
            Math.min(union[0], box[0]),
            Math.min(union[1], box[1]),
            Math.max(union[2], box[2]),
            Math.max(union[3], box[3]),
          ];
  }
  return union;
}

const elementsOf = (node: Node): Node[] =>
  Array.from(node.childNodes).filter((child) => child.nodeType === 1);

/**
 * The box of a text before its own transform. Plotly writes lines as `tspan.line` with a `dy` in
 * em.
 */
function textBox(node: Node): Box | null {
  const size = sizeOf(node);
  const lines = elementsOf(node).filter((child) => child.getAttribute('class')?.includes('line'));
  const widths = lines.length === 0 ? [spanWidth(node)] : lines.map(spanWidth);
  if (widths.every((width) => width === 0)) return null;
  const first = lines.length === 0 ? 0 : emOf(lines[0] as Node);
  const last = lines.length === 0 ? 0 : emOf(lines[lines.length - 1] as Node);
  const width = Math.max(...widths);
  const x = Number(node.getAttribute('x') ?? 0);
  const y = Number(node.getAttribute('y') ?? 0);
  const anchor = node.getAttribute('text-anchor') ?? 'start';
  const left = anchor === 'end' ? x - width : anchor === 'middle' ? x - width / 2 : x;
  return [left, y + (first - ASCENT) * size, left + width, y + (last + DESCENT) * size];
}

const emOf = (line: Node): number => Number.parseFloat(line.getAttribute('dy') ?? '0') || 0;

/** The width of what is written in a node, spans of other sizes and weights included. */
function spanWidth(node: Node): number {
  let width = 0;
  for (const child of Array.from(node.childNodes)) {
    if (child.nodeType === 3)
      width += textWidth(child.textContent.replace(/\u200b/g, ''), sizeOf(node), weightOf(node));
    else if (child.nodeType === 1) width += spanWidth(child);
  }
  return width;
}

/** Font size in pixels: the node's own, a share of its parent's, or its parent's. */
function sizeOf(node: Node): number {
  const own = node.style?.fontSize || node.getAttribute('font-size') || '';
  const value = Number.parseFloat(own);
  if (own.endsWith('%')) return (value / 100) * sizeAbove(node);
  return Number.isFinite(value) ? value : sizeAbove(node);
}

const sizeAbove = (node: Node): number =>
  node.parentNode !== null && node.parentNode.nodeType === 1 ? sizeOf(node.parentNode) : 12;

function weightOf(node: Node): 'regular' | 'bold' {
  const own = node.style?.fontWeight || node.getAttribute('font-weight');
  if (own) return own === 'bold' || Number(own) >= 600 ? 'bold' : 'regular';
  return node.parentNode !== null && node.parentNode.nodeType === 1
    ? weightOf(node.parentNode)
    : 'regular';
}

function transformsAbove(node: Node): Matrix {
  const own = transformOf(node);
  return node.parentNode !== null && node.parentNode.nodeType === 1
    ? times(transformsAbove(node.parentNode), own)
    : own;
}

/** The map of an element's `transform`: any chain of translate, rotate, scale and matrix. */
function transformOf(node: Node): Matrix {
  let map = IDENTITY;
  for (const [, kind, inside] of (node.getAttribute('transform') ?? '').matchAll(
    /(\w+)\(([^)]*)\)/g,
  )) {
    const [a = 0, b, c, ...more] = (inside as string).split(/[\s,]+/).map(Number);
    if (kind === 'translate') map = times(map, [1, 0, 0, 1, a, b ?? 0]);
    else if (kind === 'scale') map = times(map, [a, 0, 0, b ?? a, 0, 0]);
    else if (kind === 'matrix')
      map = times(map, [a, b ?? 0, c ?? 0, more[0] ?? 1, more[1] ?? 0, more[2] ?? 0]);
    else if (kind === 'rotate') {
      const [cos, sin] = [Math.cos((a * Math.PI) / 180), Math.sin((a * Math.PI) / 180)];
      const [x, y] = [b ?? 0, c ?? 0];
      map = times(map, [cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y]);
    }
  }
  return map;
}

function times(p: Matrix, q: Matrix): Matrix {
  return [
    p[0] * q[0] + p[2] * q[1],
    p[1] * q[0] + p[3] * q[1],
    p[0] * q[2] + p[2] * q[3],
    p[1] * q[2] + p[3] * q[3],
    p[0] * q[4] + p[2] * q[5] + p[4],
    p[1] * q[4] + p[3] * q[5] + p[5],
  ];
}

function mapped(box: Box | null, [a, b, c, d, e, f]: Matrix): Box | null {
  if (box === null) return null;
  const corners = [0, 2].flatMap((i) =>
    [1, 3].map((j) => [box[i] as number, box[j] as number] as const),
  );
  const xs = corners.map(([x, y]) => a * x + c * y + e);
  const ys = corners.map(([x, y]) => b * x + d * y + f);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

interface Canvas {
  width: number;
  height: number;
  pixels?: Uint8ClampedArray;
}

/** A heat map becomes an image of at least so many pixels, so that no viewer can blur its cells. */
const SHARP = 600;

/** `getContext('2d')` with what plotly's heat map calls, and `toDataURL`. */
function canvasMethods() {
  return {
    getContext(this: Canvas) {
      return {
        createImageData: (width: number, height: number) => ({
          data: new Uint8ClampedArray(4 * width * height),
        }),
        putImageData: (image: { data: Uint8ClampedArray }) => {
          this.pixels = image.data;
        },
      };
    },
    toDataURL(this: Canvas) {
      const scale = Math.ceil(SHARP / Math.max(1, this.width, this.height));
      return pngDataUri(
        this.pixels ?? new Uint8Array(4 * this.width * this.height),
        this.width,
        this.height,
        scale,
      );
    },
  };
}
