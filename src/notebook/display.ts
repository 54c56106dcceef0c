/**
 * # What a cell shows
 *
 * A cell can show four things: a figure, a table, a checked claim, and the progress of a long step
 * (`terminal/progress.ts`). In a notebook they become outputs of the cell. In a plain program run
 * with Node, the same calls write to the terminal, so code can be moved between the two.
 */
import type { Figure } from '../plots/index';
import { display, inNotebook, type Table, tableText } from '../terminal/index';
import { escapeHtml } from './table-html';
import { bundleMetadata, figureData, titleOf } from './value-figure';
import { tableData } from './value-table';

/**
 * Shows a figure below the cell, as SVG and, for notebooks that are not trusted, as PNG, with its
 * caption below. In a terminal, only the title is printed.
 * @param options the caption, if the figure has none or needs a different one here
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
 * that are not whole get `digits` decimal places (default 3); data sets get their usual names.
 */
export function table(
  rows: Table,
  options: { readonly caption?: string; readonly digits?: number } = {},
): void {
  if (inNotebook()) display(tableData(rows, options));
  else console.log(tableText(rows, options));
}

/**
 * Thrown for a claim that is false. It is shown without a stack trace, because the claim itself
 * says where it is.
 */
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
