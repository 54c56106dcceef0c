/**
 * # Tables in Markdown
 *
 * In the form that GitHub and the book read: a line of names, a rule, and one line per row.
 */

/** The text of a table; every row must have as many cells as `head`. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
