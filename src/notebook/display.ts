/**
 * # What a cell shows
 *
 * Four things: a figure, a table, a claim that has been checked, and how far a long step is
 * (`terminal/progress.ts`). In a notebook they become outputs of the cell; in a plain program run
 * with Node the same calls write to the terminal, so that code can move between the two.
 */
import type { Figure } from '../plots/index';
import { display, inNotebook, type Table, tableText } from '../terminal/index';
import { escapeHtml } from './table-html';
import { bundleMetadata, figureData, titleOf } from './value-figure';
import { tableData } from './value-table';

/**
 * Shows a figure below the cell, as SVG and, for a notebook that is not trusted, as PNG, and below
 * it its caption: what to see in it. In a terminal, where nothing can be seen, the title stands for
 * the figure.
 * @param options the caption, where the figure has none of its own or another is to be read here
 */
export async function show(
  figure: Figure,
  options: { readonly caption?: string } = {},
): Promise<void> {
  const caption = options.caption ?? figure.caption;
  if (!inNotebook()) {
    console.log(`[figure] ${titleOf(figure)}`);
    if (caption !== undefined) console.log(caption);
    return;
  }
  const bundle = await figureData(caption === undefined ? figure : { ...figure, caption });
  display(bundle, bundleMetadata(bundle));
  if (caption !== undefined)
    display({ 'text/plain': caption, 'text/html': `<p><em>${escapeHtml(caption)}</em></p>` });
}

/**
 * Shows rows as a table: a danfojs data frame, or plain objects whose keys are the columns. Numbers
 * that are not whole are written with `digits` (3) places; data sets get the names people write.
 */
export function table(
  rows: Table,
  options: { readonly caption?: string; readonly digits?: number } = {},
): void {
  if (inNotebook()) display(tableData(rows, options));
  else console.log(tableText(rows, options));
}

/** A claim that turned out false. Its stack is left out: the claim says where it stands. */
export class ClaimError extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'ClaimError';
    this.stack = `✗ ${text}`;
  }
}

/**
 * Checks a claim of the text around it and writes `✓ claim (detail)`.
 * @param detail the numbers that decided it: `AUROC 0.03 < 0.5`
 * @throws {ClaimError} if the claim is false, which fails the notebook
 */
export function check(claim: string, condition: boolean, detail?: string): void {
  const text = detail === undefined ? claim : `${claim} (${detail})`;
  if (!condition) throw new ClaimError(text);
  console.log(`✓ ${text}`);
}
