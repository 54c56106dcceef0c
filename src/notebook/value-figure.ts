/**
 * # A figure as an output
 *
 * A notebook made by somebody else is not trusted until its reader says so, and JupyterLab then
 * shows PNG but not SVG. So a figure is sent as both, and Jupyter uses the SVG if it may.
 *
 * The PNG has three pixels for every two of the figure, which is sharp enough on dense screens, and
 * a palette of 256 colours without dithering. Lines and letters look the same, and the pictures of
 * a notebook take a fourth of the bytes. The intended size is in the metadata of the output.
 */
import type { Figure } from '../plots/index';

/** Loaded with the first picture, because loading jsdom takes a second. */
export const drawing = (): typeof import('../plots/index') => require('../plots/index');

/** An output: a text for each MIME type; pictures other than SVG are in base64. */
export type Bundle = Record<string, string>;

/** The largest number of pixels of a picture; larger figures are scaled down. */
const PIXELS = 6e6;

/** The figure as SVG, as PNG, and in words. */
export async function figureData(figure: Figure): Promise<Bundle> {
  const { toPng, toSvg } = drawing();
  const svg = await toSvg(figure);
  const { width, height } = sizeOf(svg) ?? { width: 720, height: 420 };
  const png = toPng(svg, Math.min(1.5, Math.sqrt(PIXELS / (width * height))));
  return {
    'text/plain': `[figure] ${titleOf(figure)}`,
    'image/png': (await fewColours(png)).toString('base64'),
    'image/svg+xml': svg,
  };
}

/** A PNG with a palette. The same picture always gives the same bytes. */
function fewColours(png: Buffer): Promise<Buffer> {
  const sharp: typeof import('sharp').default = require('sharp');
  return sharp(png)
    .png({ palette: true, colours: 256, dither: 0, effort: 3, compressionLevel: 9 })
    .toBuffer();
}

/** The title without its markup. */
export function titleOf({ layout }: Figure): string {
  const title =
    typeof layout.title === 'string' ? layout.title : (layout.title?.text ?? 'without a title');
  return title.replace(/<[^>]*>/g, '');
}

/**
 * Metadata of an output for Jupyter: the size of a picture in pixels of the page, if it has more
 * pixels than that.
 */
export function bundleMetadata(data: Readonly<Bundle>): Record<string, unknown> {
  const size = sizeOf(data['image/svg+xml'] ?? '');
  return size === undefined || !('image/png' in data) ? {} : { 'image/png': size };
}

/** Width and height of an SVG document, in whole pixels. */
function sizeOf(svg: string): { width: number; height: number } | undefined {
  const [, width, height] = /^<svg [^>]*?width="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? [];
  if (width === undefined || height === undefined) return undefined;
  return { width: Math.round(Number(width)), height: Math.round(Number(height)) };
}

/** Whether a value is the specification of a figure. */
export function isFigure(value: object): value is Figure {
  const { data, layout } = value as Partial<Figure>;
  return Array.isArray(data) && typeof layout === 'object' && layout !== null;
}
