import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'puppeteer-core';
import { findChromium, launch, violations, watch } from '../support/browser';

const BOOK = path.resolve(__dirname, '../../out/book/html');
const chromium = findChromium();

const pages = () =>
  readdirSync(BOOK, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.html') && !/^(api|_static|genindex)/.test(file),
  );
const url = (file: string) => pathToFileURL(path.join(BOOK, file)).href;

const missing =
  chromium === undefined
    ? 'no Chromium'
    : existsSync(path.join(BOOK, 'api', 'index.html'))
      ? ''
      : 'no book: npm run book';

describe(`the book, opened from a file${missing === '' ? '' : ` (skipped: ${missing})`}`, () => {
  let browser: Browser;

  before(async function () {
    if (missing !== '') this.skip();
    browser = await launch(chromium as string);
  });
  after(() => browser?.close());

  it('has pages without errors, external requests or broken links', async function () {
    this.timeout(600000);
    const known = new Set(pages().map(url));
    const wrong: string[] = [];
    for (const file of pages()) {
      const page = await browser.newPage();
      const said = watch(page, (address) => /^(file|data|blob):/.test(address));
      await page.goto(url(file), { waitUntil: 'load' });
      const links = await page.$$eval('main a[href]', (all) =>
        all.map((one) => (one as HTMLAnchorElement).href),
      );
      const lost = links
        .map((link) => link.replace(/[#?].*$/, ''))
        .filter((link) => link.startsWith('file:') && link.endsWith('.html'))
        .filter((link) => !known.has(link) && !/\/(api|_static)\/|genindex|search/.test(link));
      // The theme says so itself on the first page of a session, before its default is stored.
      const problems = said.filter((one) => !one.includes('Got invalid theme mode'));
      wrong.push(...[...problems, ...lost].map((problem) => `${file}: ${problem}`));
      await page.close();
    }
    assert.deepEqual(wrong, []);
  });

  it('renders formulas, and gives every figure a text alternative', async () => {
    const page = await browser.newPage();
    await page.goto(url('notebooks/04-layerwise-detection.html'), { waitUntil: 'networkidle0' });
    await page.waitForSelector('mjx-container');
    const nameless = await page.$$eval(
      '.cell_output svg, .cell_output img',
      (all) =>
        all.filter(
          (one) =>
            !one.getAttribute('aria-label') &&
            !one.getAttribute('alt') &&
            !one.querySelector('title'),
        ).length,
    );
    assert.equal(nameless, 0);
  });

  it('finds "actnorm" by its own search', async () => {
    const page = await browser.newPage();
    await page.goto(`${url('search.html')}?q=actnorm`, { waitUntil: 'networkidle0' });
    await page.waitForSelector('#search-results li a');
    const found = await page.$$eval('#search-results li a', (all) =>
      all.map((one) => one.textContent),
    );
    assert.ok(found.length > 0, 'nothing was found');
  });

  for (const theme of ['light', 'dark'])
    it(`passes axe-core in the ${theme} theme`, async function () {
      this.timeout(120000);
      const page = await browser.newPage();
      await page.goto(url('notebooks/01-likelihood-failure.html'), { waitUntil: 'load' });
      await page.evaluate((name) => {
        document.documentElement.dataset.theme = name;
        document.documentElement.dataset.mode = name;
      }, theme);
      assert.deepEqual(await violations(page, 'main', ['wcag2a', 'wcag2aa']), []);
    });
});
