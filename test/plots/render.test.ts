import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { JSDOM } from 'jsdom';
import { PNG } from 'pngjs';
import { normals } from '../../src/numerics/random';
import {
  bars,
  type Figure,
  heatmap,
  histogram,
  imageGrid,
  lines,
  quantiles,
  saveFigure,
  scatter,
  toPng,
  toSvg,
} from '../../src/plots/index';
import { textWidth } from '../../src/plots/text-width';

const FIVE = ['svhn', 'celeba', 'gtsrb', 'cifar10', 'tinyimagenet32'];
const sample = Array.from(normals(1, 300));

/** One of every kind, with what is hard to lay out: long names, large numbers, a legend, titles. */
const KINDS: Record<string, Figure> = {
  histogram: histogram(
    [
      { name: 'fashion_mnist', values: sample },
      { name: 'mnist', values: sample.map((v) => v + 2) },
    ],
    { title: 'T', x: 'score [nats]' },
  ),
  lines: lines(
    [
      { name: 'a', x: [1, 10, 100], y: [1e-9, 1e3, 1e12] },
      { name: 'b', x: [1, 100], y: [1, 1] },
    ],
    {
      title: 'T',
      x: 'step',
      y: 'f',
      logX: true,
      logY: true,
      guides: [{ axis: 'y', value: 1e3, label: 'a guide with a long name' }],
    },
  ),
  bars: bars(
    FIVE,
    [
      {
        name: 'layer-wise gradients',
        values: [1, 2, 3, 4, 123456],
        low: [0, 1, 2, 3, 1],
        high: [2, 3, 4, 5, 2e5],
      },
      { name: 'x', values: [1, 1, 1, 1, 1] },
    ],
    { y: 'AUROC' },
  ),
  scatter: scatter([{ name: 'a', x: sample, y: sample.map((v) => v * 1e4) }], {
    x: 'x',
    y: 'y',
    title: 'T',
  }),
  heatmap: heatmap(
    FIVE.map((_, i) => FIVE.map((__, j) => (i === j ? null : i / 10 + j))),
    { columns: FIVE, rows: FIVE, x: 'out', y: 'in', digits: 3, unit: 'AUROC', title: 'T' },
  ),
  quantiles: quantiles([{ name: 'u', values: sample }], (p) => p, { x: 'theory', y: 'sample' }),
  imageGrid: imageGrid(new Uint8Array(6 * 8 * 8).fill(90), [6, 8, 8, 1], {
    columns: 3,
    captions: ['1', '2', '3', '4', '5', '6'],
    rows: ['a long name of a row', 'b'],
    title: 'T',
  }),
};

/** Whether each column, then each row of an image has ink that differs from white. */
function ink(png: PNG): { columns: boolean[]; rows: boolean[] } {
  const dark = (x: number, y: number) =>
    [0, 1, 2].some((c) => (png.data[4 * (y * png.width + x) + c] as number) < 200);
  const range = (n: number) => Array.from({ length: n }, (_, i) => i);
  return {
    columns: range(png.width).map((x) => range(png.height).some((y) => dark(x, y))),
    rows: range(png.height).map((y) => range(png.width).some((x) => dark(x, y))),
  };
}

describe('drawing a figure', function () {
  this.timeout(300000);
  const folder = mkdtempSync(path.join(tmpdir(), 'figures '));
  const svgs: Record<string, string> = {};
  before(async () => {
    for (const [kind, figure] of Object.entries(KINDS)) svgs[kind] = await toSvg(figure);
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const [kind, figure] of Object.entries(KINDS)) {
    it(`gives the same bytes for the same figure after others were drawn (${kind})`, async () => {
      assert.equal(await toSvg(structuredClone(figure)), svgs[kind]);
    });

    it(`leaves nothing cut off at the edge (${kind})`, () => {
      const { columns, rows } = ink(PNG.sync.read(toPng(svgs[kind] as string, 1)));
      for (const edge of [columns.slice(0, 2), columns.slice(-2), rows.slice(0, 2), rows.slice(-2)])
        assert.deepEqual(edge, [false, false]);
      assert.ok(columns.filter(Boolean).length > columns.length / 2);
    });

    it(`is well-formed, with numbers only where numbers belong (${kind})`, () => {
      const { document } = new JSDOM(svgs[kind], { contentType: 'image/svg+xml' }).window;
      assert.equal(document.documentElement.tagName, 'svg');
      assert.equal(
        /NaN|undefined|Infinity/.exec(svgs[kind]?.replace(/(?:base64,|class=")[^"]*/g, '') ?? ''),
        null,
      );
    });
  }

  it('does not change the figure', async () => {
    const before = JSON.stringify(KINDS.heatmap);
    await toSvg(KINDS.heatmap as Figure);
    assert.equal(JSON.stringify(KINDS.heatmap), before);
  });

  it('gives different figures identifiers of their own, so that they can be on one page', () => {
    const ids = Object.values(svgs).map((svg) =>
      [...svg.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]),
    );
    assert.ok(ids.every((own) => own.length > 0));
    assert.equal(new Set(ids.flat()).size, ids.flat().length);
  });

  it('can draw several at once', async () => {
    const kinds = Object.keys(KINDS);
    assert.deepEqual(
      await Promise.all(kinds.map((kind) => toSvg(KINDS[kind] as Figure))),
      kinds.map((kind) => svgs[kind]),
    );
  });

  it('writes every series and axis in words', () => {
    for (const word of ['Fashion-MNIST', 'MNIST', 'score [nats]', 'density'])
      assert.ok(svgs.histogram?.includes(`>${word}<`), word);
  });

  it('leaves room for a legend of several rows below the title', async () => {
    for (const names of [
      FIVE,
      [...FIVE, ...FIVE.map((name) => `${name} through another representation`)],
    ]) {
      const svg = await toSvg(
        scatter(
          names.map((name) => ({ name, x: [0, 1], y: [0, 1] })),
          { title: 'T', x: 'x', y: 'y', width: 520 },
        ),
      );
      const top = Number(/class="legend"[^>]*translate\([^,]*,([\d.-]+)\)/.exec(svg)?.[1]);
      const title = Number(/class="gtitle"[^>]* y="([\d.]+)"/.exec(svg)?.[1]);
      assert.ok(
        top >= title + 16 && top < title + 40,
        `title at ${title}, legend at ${top}, ${names.length} entries`,
      );
    }
  });

  it('survives a figure that cannot be drawn', async () => {
    const broken = {
      data: [{ type: 'scatter', x: [1], y: [1] }],
      layout: { ...KINDS.bars?.layout, annotations: 7 },
    } as unknown as Figure;
    await toSvg(broken).catch(() => {});
    assert.equal(await toSvg(KINDS.bars as Figure), svgs.bars);
  });

  it('measures texts as they are drawn, without fonts of the machine', () => {
    for (const [text, weight] of [
      ['Fashion-MNIST log p(x)', 'normal'],
      ['θ χ² ∂ √ − 0123456789', 'normal'],
      ['Bold Title', 'bold'],
    ] as const) {
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="60"><rect width="600" height="60" fill="#fff"/>
        <text x="20" y="40" font-family="Arimo" font-size="30" font-weight="${weight}">${text}</text></svg>`;
      const { columns } = ink(PNG.sync.read(toPng(svg, 1)));
      const [first, last] = [columns.indexOf(true), columns.lastIndexOf(true)];
      assert.ok(first >= 20 && first < 26, `starts at ${first}`);
      assert.ok(
        Math.abs(last + 1 - (20 + textWidth(text, 30, weight === 'bold' ? 'bold' : 'regular'))) < 5,
        `'${text}' ends at ${last + 1}`,
      ); // a glyph's side bearings
    }
  });

  it('writes complete SVG and PNG files and refuses other endings', async () => {
    await saveFigure(KINDS.bars as Figure, path.join(folder, 'new folder', 'a.svg'));
    await saveFigure(KINDS.bars as Figure, path.join(folder, 'new folder', 'a.png'));
    assert.deepEqual(readdirSync(path.join(folder, 'new folder')).sort(), ['a.png', 'a.svg']);
    assert.equal(readFileSync(path.join(folder, 'new folder', 'a.svg'), 'utf8'), svgs.bars);
    const png = PNG.sync.read(readFileSync(path.join(folder, 'new folder', 'a.png')));
    assert.deepEqual([png.width, png.height], [2 * 720, 2 * 420]);
    await assert.rejects(
      saveFigure(KINDS.bars as Figure, path.join(folder, 'a.gif')),
      /ends neither in \.svg nor in \.png/,
    );
  });
});
