/**
 * # A figure as an output
 *
 * A notebook that somebody else made is not trusted until its reader says so, and JupyterLab shows
 * no SVG of it; a PNG it shows. So a figure goes out as both: Jupyter takes the SVG where it may.
 *
 * The PNG has three pixels for two of the figure, which is sharp enough on dense screens, and a
 * palette of 256 colours without dithering: lines and letters lose nothing by it, and a notebook's
 * pictures take a fourth of the bytes. How large it is meant to be stands in the output's metadata.
 */
import type { Figure } from '../plots/index';

/** Loaded with the first picture: to draw takes a document, and that a second to load. */
export const drawing = (): typeof import('../plots/index') => require('../plots/index');

/** What an output is: a text for each MIME type, pictures but SVG in base64. */
export type Bundle = Record<string, string>;

/** A picture has at most so many pixels; larger figures get fewer. */
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
 * What Jupyter has to be told about an output: the size of a picture, in pixels of the page, where
 * it has more pixels than that.
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
