/**
 * # An executed notebook as one page
 *
 * Makes one HTML file that needs no other files. It includes the figures, the formulas set by KaTeX
 * with their fonts, coloured code, and a short style sheet for light and dark pages.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import katex from '@vscode/markdown-it-katex';
import highlighter from 'highlight.js/lib/core';
import typescript from 'highlight.js/lib/languages/typescript';
import MarkdownIt from 'markdown-it';
import { duration } from '../terminal/index';
import { type Cell, type Ipynb, joined, type Output } from './ipynb';
import { frame } from './page';
import { escapeHtml } from './table-html';

highlighter.registerLanguage('typescript', typescript);

const colour = (code: string): string =>
  highlighter.highlight(code, { language: 'typescript' }).value;

const markdown = new MarkdownIt({
  html: true, // notebooks fold answers with <details>
  linkify: true,
  highlight: (code, language) =>
    language === 'ts' || language === 'typescript' ? colour(code) : '',
}).use(katex, { throwOnError: false });

/**
 * The page of a notebook.
 * @param seconds how long code cells took, by their index among all cells
 * @param others names of all notebooks with pages in the same folder, for navigation
 */
export function notebookHtml(
  name: string,
  notebook: Ipynb,
  seconds: ReadonlyMap<number, number> = new Map(),
  others: readonly string[] = [],
): string {
  const cells = notebook.cells.map((cell, index) => cellHtml(cell, seconds.get(index))).join('\n');
  const heading = notebook.cells
    .filter((cell) => cell.cell_type === 'markdown')
    .map((cell) => /^# (.+)$/m.exec(joined(cell.source))?.[1]);
  const title = heading.find((text) => text !== undefined) ?? name;
  const body = `${navigation(name, others)}\n<main>\n${cells}\n</main>`;
  const style = cells.includes('class="katex"') ? mathsStyle() : '';
  return frame(title.replace(/[$*_`]/g, ''), body, { style });
}

/** Links to the pages of all notebooks, with this one marked. */
function navigation(name: string, others: readonly string[]): string {
  if (others.length < 2) return '';
  const links = others.map((other) => {
    const text = escapeHtml(other.replace(/-/g, ' '));
    return other === name
      ? `<span aria-current="page">${text}</span>`
      : `<a href="${encodeURIComponent(other)}.html">${text}</a>`;
  });
  return `<nav aria-label="notebooks">${links.join('\n')}</nav>`;
}

/** KaTeX's style sheet with its fonts inside. */
function mathsStyle(): string {
  const sheet = require.resolve('katex/dist/katex.min.css');
  return readFileSync(sheet, 'utf8').replace(
    /src:url\((fonts\/[^)]+\.woff2)\)[^}]*/g,
    (_, file: string) => {
      const font = readFileSync(path.join(path.dirname(sheet), file)).toString('base64');
      return `src:url(data:font/woff2;base64,${font}) format('woff2')`;
    },
  );
}

function cellHtml(cell: Cell, seconds: number | undefined): string {
  const source = joined(cell.source);
  if (cell.cell_type === 'markdown')
    return `<section class="text">\n${linked(markdown.render(source))}</section>`;
  if (cell.cell_type === 'raw' || source.trim() === '') return '';
  const time =
    seconds === undefined || seconds < 0.95 ? '' : `<span class="time">${duration(seconds)}</span>`;
  const outputs = (cell.outputs ?? []).map(outputHtml).join('\n');
  return `<section class="code">\n<pre class="source">${time}<code>${colour(source)}</code></pre>\n${outputs}\n</section>`;
}

/** Changes links to notebooks into links to their pages in the same folder. */
const linked = (html: string): string => html.replace(/(href="[\w-]+)\.ipynb"/g, '$1.html"');

/** Of several forms of one output the page shows the richest, as Jupyter does. */
const PREFERRED = ['text/html', 'text/markdown', 'text/latex', 'image/svg+xml', 'image/png'];

function outputHtml(output: Output): string {
  if (output.output_type === 'stream') {
    return `<pre class="output ${output.name}">${claims(escapeHtml(stripVTControlCharacters(joined(output.text).trimEnd())))}</pre>`;
  }
  if (output.output_type === 'error') {
    const text = stripVTControlCharacters(output.traceback.join('\n'));
    return `<pre class="output stderr">${claims(escapeHtml(text))}</pre>`;
  }
  const kinds = Object.keys(output.data);
  const kind = PREFERRED.find((one) => kinds.includes(one)) ?? kinds[0] ?? 'text/plain';
  const text = joined(output.data[kind] ?? '');
  switch (kind) {
    case 'image/svg+xml':
      return `<figure>${text.replace(/^\s*<\?xml[^>]*\?>/, '')}</figure>`;
    case 'image/png':
    case 'image/jpeg':
    case 'image/gif':
      return `<figure><img alt="" src="data:${kind};base64,${text.replace(/\s/g, '')}"></figure>`;
    case 'text/html':
      return `<div class="output rich">${text}</div>`;
    case 'text/markdown':
      return `<div class="output rich">${markdown.render(text)}</div>`;
    case 'text/latex':
      return `<div class="output rich">${markdown.render(`$$${text.replace(/^\$+|\$+$/g, '')}$$`)}</div>`;
    default:
      return `<pre class="output">${escapeHtml(text)}</pre>`;
  }
}

/** Colours the lines written by `check`. */
function claims(escaped: string): string {
  return escaped
    .replace(/^✓.*$/gm, (line) => `<span class="holds">${line}</span>`)
    .replace(/^✗.*$/gm, (line) => `<span class="fails">${line}</span>`);
}
