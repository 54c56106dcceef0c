/**
 * # From a figure to SVG, PNG and files
 *
 * The SVG is drawn by plotly without a browser (`stage.ts`). The PNG is made from the SVG by
 * `resvg`, with the project's own font. The same figure always gives the same bytes: plotly makes
 * its identifiers from random numbers, and these come from a generator seeded by a hash of the
 * figure. So identifiers differ between figures, and several figures can be on one page.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { uniformStream, writeBeside } from '../backend/index';
import { FisherlabError } from '../errors';
import { withWords } from './description';
import type { Figure } from './figure';
import { openStage } from './stage';
import { FONT_FILES } from './text-width';

/** Figures are drawn one at a time, because plotly keeps state while it draws. */
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
 * written under another name and renamed.
 */
export async function saveFigure(figure: Figure, file: string): Promise<void> {
  const ending = path.extname(file);
  if (ending !== '.svg' && ending !== '.png')
    throw new FisherlabError(`'${file}' ends neither in .svg nor in .png`, 'choose one of the two');
  const svg = await toSvg(figure);
  await writeBeside(file, ending === '.svg' ? svg : toPng(svg));
}
