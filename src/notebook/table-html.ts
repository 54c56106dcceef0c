/**
 * # Rows as HTML
 *
 * The columns of `terminal/text-table.ts` as a plain HTML table without style, which code hosts
 * would remove.
 */
import { type Table, type TextColumn, textColumns } from '../terminal/index';

/** HTML of a table.  */
export function tableHtml(
  table: Table,
  { caption, digits = 3 }: { caption?: string; digits?: number } = {},
): string {
  const columns = textColumns(table, digits);
  const align = (column: TextColumn) => (column.numeric ? ' align="right"' : ' align="left"');
  const head = columns
    .map((column) => `<th${align(column)}>${escapeHtml(column.name)}</th>`)
    .join('');
  // A number and its interval stay on one line.
  const cell = (column: TextColumn, row: number) => {
    const text = column.cells[row] as string;
    return `<td${align(column)}${text.includes('[') ? ' nowrap' : ''}>${escapeHtml(text)}</td>`;
  };
  const body = (columns[0] as TextColumn).cells
    .map((_, row) => `<tr>${columns.map((column) => cell(column, row)).join('')}</tr>`)
    .join('\n');
  const above = caption === undefined ? '' : `<caption>${escapeHtml(caption)}</caption>\n`;
  return `<table>\n${above}<thead><tr>${head}</tr></thead>\n<tbody>\n${body}\n</tbody>\n</table>`;
}

/** Text with the characters that HTML reads as its own replaced. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
