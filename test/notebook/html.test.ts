import assert from 'node:assert/strict';
import { JSDOM } from 'jsdom';
import { notebookHtml } from '../../src/notebook/html';
import type { Cell, Ipynb } from '../../src/notebook/ipynb';

const page = (cells: Cell[], seconds?: Map<number, number>) => {
  const notebook: Ipynb = { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
  const html = notebookHtml('a-name', notebook, seconds);
  return { html, document: new JSDOM(html).window.document };
};
const text = (source: string): Cell => ({ cell_type: 'markdown', metadata: {}, source });
const code = (source: string, outputs: Cell['outputs'] = []): Cell => ({
  cell_type: 'code',
  metadata: {},
  source,
  outputs,
  execution_count: 1,
});

describe('the page of a notebook', () => {
  it('takes its title from the first heading, otherwise from the file', () => {
    assert.equal(
      page([text('some words'), text('# Why *likelihood* fails')]).document.title,
      'Why likelihood fails',
    );
    assert.equal(page([text('no heading')]).document.title, 'a-name');
  });

  it('needs nothing from elsewhere, fonts of formulas included', () => {
    const { html } = page([text('# A\n\n$\\theta_j$ and $$\\sum_i x_i$$'), code('const a = 1;')]);
    assert.equal(html.match(/url\((?!data:)/g), null);
    assert.equal(html.match(/<(?:script|link)|src="(?!data:)|@import/g), null);
    assert.ok(html.includes('url(data:font/woff2;base64,'));
  });

  it('includes no fonts if there is no formula', () => {
    assert.ok(!page([text('plain')]).html.includes('font/woff2'));
  });

  it('renders inline and displayed formulas, and leaves prices alone', () => {
    const { document } = page([text('So $x^2$ is\n$$\\frac{1}{2}$$\nand costs $5 or $6.')]);
    assert.deepEqual(
      [...document.querySelectorAll('annotation')].map((node) => node.textContent?.trim()),
      ['x^2', '\\frac{1}{2}'],
    );
    assert.ok(document.body.textContent?.includes('costs $5 or $6.'));
  });

  it('shows code as it was written, whatever is in it', () => {
    const source =
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the code shown holds a template
      'const a = b < c && "</code><script>alert(1)</script>";\nconst t = `x ${a}`; // done';
    const { document } = page([code(source)]);
    assert.equal(document.querySelector('.source code')?.textContent, source);
    assert.equal(document.querySelector('script'), null);
  });

  it('shows each kind of output in its own way', () => {
    const { document } = page([
      code('x', [
        { output_type: 'stream', name: 'stdout', text: ['✓ one < two\n', 'plain\n'] },
        {
          output_type: 'display_data',
          metadata: {},
          data: { 'image/svg+xml': ['<svg viewBox="0 0 1 1">', '</svg>'] },
        },
        { output_type: 'display_data', metadata: {}, data: { 'image/png': 'AAAA' } },
        {
          output_type: 'display_data',
          metadata: {},
          data: { 'text/html': '<table><tr><td>7</td></tr></table>' },
        },
        { output_type: 'display_data', metadata: {}, data: { 'text/plain': '<b>' } },
      ]),
    ]);
    assert.equal(document.querySelector('.holds')?.textContent, '✓ one < two');
    assert.equal(document.querySelectorAll('figure > svg').length, 1);
    assert.equal(document.querySelector('img')?.src, 'data:image/png;base64,AAAA');
    assert.equal(document.querySelector('td')?.textContent, '7');
    assert.equal(document.querySelectorAll('pre.output')[1]?.textContent, '<b>');
  });

  it('shows the richest of several forms of an output', () => {
    const data = {
      'image/png': 'AAAA',
      'image/svg+xml': '<svg viewBox="0 0 1 1"></svg>',
      'text/plain': '[figure] title',
    };
    const { document } = page([code('x', [{ output_type: 'display_data', metadata: {}, data }])]);
    assert.equal(document.querySelectorAll('figure > svg').length, 1);
    assert.equal(document.querySelector('img'), null);
    assert.equal(document.querySelector('pre.output'), null);
  });

  it('keeps folded answers folded', () => {
    const { document } = page([
      text('<details><summary>Answer</summary>\n\nIt is **so**.\n\n</details>'),
    ]);
    assert.equal(document.querySelector('details')?.open, false);
    assert.equal(document.querySelector('details strong')?.textContent, 'so');
  });

  it('says how long a slow cell took', () => {
    const { document } = page(
      [code('a'), code('b')],
      new Map([
        [0, 0.2],
        [1, 75],
      ]),
    ); // seconds
    assert.deepEqual(
      [...document.querySelectorAll('.time')].map((node) => node.textContent),
      ['1 min 15 s'],
    );
  });
});
