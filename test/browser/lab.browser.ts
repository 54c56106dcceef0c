import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'puppeteer-core';
import { type Cell, joined, notebookText, readNotebook } from '../../src/notebook/ipynb';
import { findChromium, launch, violations } from '../support/browser';
import { findJupyter, JupyterLab } from '../support/jupyter-lab';

const ROOT = path.resolve(__dirname, '../..');
const SHIPPED = path.join(ROOT, 'notebooks', '01-likelihood-failure.ipynb');
/** What the pages looked like, for a person to see. */
const PICTURES = path.join(ROOT, 'out', 'browser');
const chromium = findChromium();
const jupyter = findJupyter();
const missing =
  chromium === undefined ? 'no Chromium' : jupyter === null ? 'JupyterLab is not installed' : '';

const CELL = '.jp-Notebook .jp-Cell';
const INDICATOR = '.jp-Notebook-ExecutionIndicator';

const shipped = readNotebook(SHIPPED);
const code = shipped.cells.filter(({ cell_type }) => cell_type === 'code');
const FIGURES = code
  .flatMap(({ outputs = [] }) => outputs)
  .filter((output) => 'data' in output && 'image/png' in output.data).length;

describe(`a notebook in JupyterLab${missing === '' ? '' : ` (skipped: ${missing})`}`, function () {
  this.timeout(300000);
  let folder: string;
  let lab: JupyterLab;
  let browser: Browser;

  before(async function () {
    if (missing !== '') this.skip();
    for (const one of [path.join(ROOT, 'out'), PICTURES]) mkdirSync(one, { recursive: true });
    folder = mkdtempSync(path.join(ROOT, 'out', 'lab '));
    lab = await JupyterLab.start(jupyter as string, folder, { FISHERLAB_QUICK: '1' });
    browser = await launch(chromium as string);
  });
  after(async () => {
    await browser?.close();
    await lab?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  /** Puts these cells, or a copy of the notebook, into the folder and opens them. */
  async function open(name: string, cells?: readonly Cell[]): Promise<Page> {
    const file = path.join(folder, `${name}.ipynb`);
    if (cells === undefined) copyFileSync(SHIPPED, file);
    else writeFileSync(file, notebookText({ ...shipped, cells: [...cells] }));
    const page = await browser.newPage();
    await page.setViewport({ width: 1300, height: 1000 });
    // A workspace of its own: else JupyterLab opens what was open before, too.
    await page.goto(`${lab.url}/lab/workspaces/${name}/tree/${name}.ipynb`, { waitUntil: 'load' });
    await page.waitForSelector(CELL);
    // The page calls a kernel idle that it has not yet spoken to.
    await lab.connected(`${name}.ipynb`);
    await status(page, 'idle');
    return page;
  }

  it('shows its stored figures before anything has run, even if it is not trusted', async () => {
    const page = await open('fresh');
    assert.ok(await page.$('[title="Notebook is not trusted"], [title*="not trusted"]'));
    const seen = await figures(page);
    assert.equal(seen.length, FIGURES);
    for (const { source, width } of seen) {
      // Of an SVG, a notebook that is not trusted shows nothing.
      assert.match(source, /^data:image\/png/);
      assert.ok(width > 200, `${width} pixels wide`);
    }
    await page.screenshot({ path: path.join(PICTURES, 'lab-stored.png') });
    await page.close();
  });

  it('saves only what a person has changed, byte for byte', async () => {
    const page = await open('saved');
    const file = path.join(folder, 'saved.ipynb');
    await page.click(`${CELL}.jp-CodeCell .cm-content`);
    await chord(page, 'Control', 'End');
    await page.keyboard.type('// mine');
    await chord(page, 'Control', 's');
    const [first] = code as [Cell];
    const edited = { ...first, source: lines(`${joined(first.source)}// mine`) };
    const cells = shipped.cells.map((cell) => (cell === first ? edited : cell));
    await until(() => readFileSync(file, 'utf8').includes('// mine'), 10);
    assert.equal(readFileSync(file, 'utf8'), notebookText({ ...shipped, cells }));
    await page.close();
  });

  it('runs to its end by the keyboard, and shows figures, tables and progress', async () => {
    const cells = shipped.cells.map((cell) => (cell.outputs ? cleared(cell) : cell));
    const page = await open('run', cells);
    await runAll(page);
    await until(
      async () => (await prompts(page)).filter((one) => one.includes('*')).length === 0,
      240,
    );
    await status(page, 'idle');
    const text = await page.$$eval('.jp-OutputArea-output', (all) =>
      all.map(({ textContent }) => textContent).join('\n'),
    );
    const numbers = code.map((_, index) => `[${index + 1}]:`);
    assert.deepEqual((await prompts(page)).slice(0, -1), numbers); // below is an empty one
    assert.doesNotMatch(text, /✗|Error/);
    assert.match(text, /✓ likelihood takes digits/);
    assert.match(text, /likelihoods and gradient norms/);
    assert.equal((await figures(page)).length, FIGURES);
    assert.ok((await page.$$('.jp-OutputArea-output table')).length >= 3);
    await page.$eval('.jp-OutputArea-output table', (table) => table.scrollIntoView());
    await page.screenshot({ path: path.join(PICTURES, 'lab-run.png') });
    await page.close();
  });

  it('shows progress while a cell computes, and ends the cell by the button', async () => {
    const page = await open(
      'busy',
      [
        "import { notebook } from 'fisherlab';",
        // A bar moves four times a second.
        "const bar = notebook.progress('steps', 4);\nconst soon = Date.now() + 300;\nwhile (Date.now() < soon) {}\nbar.tick();\nwhile (true) {}",
        "'the next cell'",
      ].map(cellOf),
    );
    await runAll(page);
    const shown = (pattern: string) =>
      page.waitForFunction(
        (wanted) =>
          new RegExp(wanted).test(
            [...document.querySelectorAll('.jp-OutputArea-output')]
              .map(({ textContent }) => textContent)
              .join('\n'),
          ),
        { timeout: 60000 },
        pattern,
      );
    await shown('steps .* 25 %');
    await status(page, 'busy');
    await page.click('[data-command="notebook:interrupt-kernel"]');
    await shown('interrupted');
    await status(page, 'idle');
    assert.deepEqual(await prompts(page), ['[1]:', '[2]:', '[ ]:', '[ ]:']);
    await page.screenshot({ path: path.join(PICTURES, 'lab-interrupted.png') });
    await page.close();
  });

  for (const theme of ['Light', 'Dark'])
    it(`can be read in the ${theme.toLowerCase()} theme`, async () => {
      lab.setTheme(`JupyterLab ${theme}`);
      const page = await open(`theme-${theme}`);
      const seen = await figures(page);
      assert.equal(seen.length, FIGURES);
      // A figure has its own ground: its text does not stand on the theme's.
      assert.deepEqual(
        seen.filter(({ corner }) => corner[3] !== 255),
        [],
      );
      await page.$eval('.jp-OutputArea-output table', (table) => table.scrollIntoView());
      await page.screenshot({ path: path.join(PICTURES, `lab-${theme.toLowerCase()}.png`) });
      assert.deepEqual(await violations(page, '.jp-OutputArea-output', ['color-contrast']), []);
      await page.close();
    });
});

const cellOf = (source: string, index: number): Cell => ({
  cell_type: 'code',
  execution_count: null,
  id: `cell-${index}`,
  metadata: {},
  outputs: [],
  source: lines(source),
});

const lines = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

const cleared = (cell: Cell): Cell => ({ ...cell, execution_count: null, outputs: [] });

async function until(condition: () => boolean | Promise<boolean>, seconds: number): Promise<void> {
  for (const end = Date.now() + 1000 * seconds; !(await condition()); ) {
    assert.ok(Date.now() < end, `it did not come true within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The numbers beside the cells: `[3]:`, and `[*]:` of one that runs or waits. */
const prompts = (page: Page): Promise<string[]> =>
  page.$$eval('.jp-CodeCell .jp-InputPrompt', (all) =>
    all.map(({ textContent }) => textContent ?? ''),
  );

const status = (page: Page, wanted: string) =>
  page.waitForSelector(`${INDICATOR}[data-status="${wanted}"]`, { timeout: 60000 });

async function chord(page: Page, held: 'Control' | 'Shift', key: 'a' | 's' | 'End' | 'Enter') {
  await page.keyboard.down(held);
  await page.keyboard.press(key);
  await page.keyboard.up(held);
}

/** Chooses all cells and runs them, as a person does without a mouse. */
async function runAll(page: Page): Promise<void> {
  await page.click(`${CELL} .jp-InputPrompt`);
  await page.keyboard.press('Escape');
  await chord(page, 'Control', 'a');
  await chord(page, 'Shift', 'Enter');
}

interface Figure {
  readonly source: string;
  /** Of what is seen, in pixels. */
  readonly width: number;
  /** Red, green, blue and opacity of its first pixel. */
  readonly corner: number[];
}

/** The figures that a reader sees who scrolls through the notebook: only those are on the page. */
function figures(page: Page): Promise<Figure[]> {
  return page.$eval('.jp-Notebook .jp-WindowedPanel-outer', async (view) => {
    const found = new Map<string, Figure>();
    view.scrollTop = 0;
    for (let end = false; !end; view.scrollTop += view.clientHeight / 2) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      for (const image of view.querySelectorAll<HTMLImageElement>('.jp-OutputArea-output img')) {
        await image.decode();
        const width = image.naturalWidth === 0 ? 0 : image.getBoundingClientRect().width;
        const canvas = document.createElement('canvas');
        const context = canvas.getContext('2d') as CanvasRenderingContext2D;
        context.drawImage(image, 0, 0);
        const corner = [...context.getImageData(0, 0, 1, 1).data];
        found.set(image.src, { source: image.src.slice(0, 30), width, corner });
      }
      end = view.scrollTop + view.clientHeight >= view.scrollHeight - 1;
    }
    view.scrollTop = 0;
    return [...found.values()];
  });
}
