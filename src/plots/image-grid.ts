/**
 * # A sheet of images
 *
 * Images `uint8 [N, H, W, C]` side by side with a line of text below each: the most and the least
 * surprising ones, samples of a model, one image in two representations. Each is a PNG data URI in
 * the figure, so that the SVG needs no other files.
 */
import type { Layout } from 'nodeplotlib';
import { FisherlabError } from '../errors';
import { type Figure, type FigureOptions, type FigureParts, figure, INK } from './figure';
import { pngDataUri } from './png';
import { textWidth } from './text-width';

export interface ImageGridOptions extends FigureOptions {
  /** Images in a row; by default up to 10. */
  readonly columns?: number;
  /** One text an image, shown below it. */
  readonly captions?: readonly string[];
  /** One text a row, shown left of it. */
  readonly rows?: readonly string[];
  /** Side of an image in the figure, in pixels. */
  readonly side?: number;
}

const GAP = 6;
const CAPTION = 18;

/**
 * A grid of images.
 * @param pixels values 0 … 255, flat [N × H × W × C]
 * @param shape [N, H, W, C] with C = 1 (grey) or 3 (red, green, blue)
 */
export function imageGrid(
  pixels: ArrayLike<number>,
  shape: readonly [number, number, number, number],
  options: ImageGridOptions = {},
): Figure {
  const [count, height, width, depth] = shape;
  if (
    pixels.length !== count * height * width * depth ||
    count === 0 ||
    (depth !== 1 && depth !== 3)
  ) {
    throw new FisherlabError(
      `${pixels.length} pixel values do not make images of shape [${shape.join(', ')}]`,
      'give [N, H, W, C], N ≥ 1, C = 1 or 3',
    );
  }
  if (options.captions !== undefined && options.captions.length !== count) {
    throw new FisherlabError(
      `${options.captions.length} captions for ${count} images`,
      'give one for each image',
    );
  }
  const columns = Math.min(count, options.columns ?? 10);
  const rows = Math.ceil(count / columns);
  const side = options.side ?? 64;
  const stepX = side + GAP;
  const stepY = side + GAP + (options.captions === undefined ? 0 : CAPTION);
  const margin = {
    l: 12 + Math.max(0, ...(options.rows ?? []).map((text) => textWidth(text, 14) + 10)),
    r: 12,
    t: options.title === undefined ? 12 : 46,
    b: 12,
  };
  const inner = { width: columns * stepX - GAP, height: rows * stepY - GAP };
  // sharp on screens of twice the density
  const scale = Math.max(1, Math.ceil((2 * side) / Math.max(width, height)));

  const images: object[] = [];
  const annotations: NonNullable<FigureParts['annotations']> = [];
  for (let n = 0; n < count; n++) {
    const x = (n % columns) * stepX;
    const y = Math.floor(n / columns) * stepY;
    const source = pngDataUri(
      rgba(pixels, n * height * width * depth, height * width, depth),
      width,
      height,
      scale,
    );
    images.push({
      source,
      xref: 'x',
      yref: 'y',
      x,
      y,
      sizex: side,
      sizey: side,
      xanchor: 'left',
      yanchor: 'top',
      sizing: 'contain',
      layer: 'above',
    });
    const caption = options.captions?.[n];
    if (caption !== undefined)
      annotations.push({
        ...label(caption, x + side / 2, y + side + 1),
        xanchor: 'center',
        yanchor: 'top',
        font: { size: 11.5, color: INK },
      });
  }
  (options.rows ?? []).forEach((text, row) => {
    annotations.push({
      ...label(text, 0, row * stepY + side / 2),
      xanchor: 'right',
      yanchor: 'middle',
      xshift: -8,
    });
  });
  const hidden = { visible: false, fixedrange: true } as const;
  const layout: Layout = { images: images as Layout['images'] & object, margin };
  return figure(
    [{ type: 'scatter', x: [], y: [] }],
    {
      width: inner.width + margin.l + margin.r,
      height: inner.height + margin.t + margin.b,
      ...options,
    },
    {
      xaxis: { ...hidden, range: [0, inner.width] },
      yaxis: { ...hidden, range: [inner.height, 0] },
      annotations,
      layout,
    },
  );
}

function label(
  text: string,
  x: number,
  y: number,
): NonNullable<FigureParts['annotations']>[number] {
  return { text, x, y, xref: 'x', yref: 'y', showarrow: false, borderpad: 0 };
}

/** Grey or colour pixels from `start` on as red, green, blue, opaque. */
function rgba(pixels: ArrayLike<number>, start: number, count: number, depth: number): Uint8Array {
  const out = new Uint8Array(count * 4);
  for (let i = 0; i < count; i++) {
    for (let channel = 0; channel < 3; channel++)
      out[4 * i + channel] = pixels[start + i * depth + (depth === 1 ? 0 : channel)] as number;
    out[4 * i + 3] = 255;
  }
  return out;
}
