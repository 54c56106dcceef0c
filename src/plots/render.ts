/**
 * # From a figure to SVG, PNG and files
 *
 * The SVG comes from plotly itself, on a stage without a browser; the PNG from the SVG through
 * `resvg`, with the font that came along. The same figure always gives the same bytes: the random
 * numbers from which plotly makes its identifiers are drawn from a stream whose seed is a hash of
 * the figure. So they are also different in different figures, and several can stand in one page.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { uniformStream, writeBeside } from '../backend/index';
import { FisherlabError } from '../errors';
import { withWords } from './description';
import type { Figure } from './figure';
import { openStage } from './stage';
import { FONT_FILES } from './text-width';

/** Drawings wait for one another: plotly keeps state between the steps of one. */
let last: Promise<unknown> = Promise.resolve();

/** Draws a figure as one self-contained SVG document. The figure is not changed. */
export function toSvg(figure: Figure): Promise<string> {
  const drawing = last.then(() => draw(figure));
  last = drawing.catch(() => {});
  return drawing;
}

async function draw(figure: Figure): Promise<string> {
  const text = JSON.stringify(figure, (_, value) =>
    ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value,
  );
  const { data, layout } = JSON.parse(text) as Figure; // plotly writes into what it is given
  const stage = openStage();
  const hash = createHash('sha256').update(text).digest();
  stage.Math.random = uniformStream(hash.readUInt32LE(0));
  const element = stage.document.createElement('div');
  stage.document.body.appendChild(element);
  try {
    await stage.Plotly.newPlot(element, data, layout, { staticPlot: true });
    const svg = await stage.Plotly.toImage(element, {
      format: 'svg',
      imageDataOnly: true,
      width: layout.width,
      height: layout.height,
    });
    return withWords(svg, figure, `figure-${hash.toString('hex', 0, 6)}`);
  } finally {
    stage.Plotly.purge(element);
    stage.document.body.removeChild(element);
  }
}

/** Rasterises an SVG document; `scale` is the number of PNG pixels for one of the figure. */
export function toPng(svg: string, scale = 2): Buffer {
  const { Resvg } = require('@resvg/resvg-js') as typeof import('@resvg/resvg-js');
  const font = {
    fontFiles: Object.values(FONT_FILES),
    loadSystemFonts: false,
    defaultFontFamily: 'Arimo',
    sansSerifFamily: 'Arimo',
  };
  return new Resvg(svg, { font, fitTo: { mode: 'zoom', value: scale } }).render().asPng();
}

/**
 * Writes a figure as `.svg` or `.png`, by the ending of `file`; folders are made. The file is
 * written beside and renamed.
 */
export async function saveFigure(figure: Figure, file: string): Promise<void> {
  const ending = path.extname(file);
  if (ending !== '.svg' && ending !== '.png')
    throw new FisherlabError(`'${file}' ends neither in .svg nor in .png`, 'choose one of the two');
  const svg = await toSvg(figure);
  await writeBeside(file, ending === '.svg' ? svg : toPng(svg));
}
