/**
 * # Tables of pages
 *
 * As GitHub and the book read them: a line of names, a rule, a line a row.
 */

/** The lines of a table; every row has as many cells as `head`. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
