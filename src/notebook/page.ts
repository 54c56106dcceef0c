/**
 * # A page of one's own
 *
 * One HTML file in the style of notebooks' pages, light and dark, that needs nothing else and is
 * allowed nothing else: no script runs in it and nothing is fetched, whatever came into its text.
 */
import { STYLE } from './style';
import { escapeHtml } from './table-html';

/**
 * The frame of every page, notebooks' too.
 * @param title text
 * @param body HTML
 * @param more what else the head and the style sheet hold
 */
export function frame(title: string, body: string, { head = '', style = '' } = {}): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${head}<title>${escapeHtml(title)}</title>
<style>${STYLE}${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:";

/**
 * @param title text
 * @param body HTML
 */
export function page(title: string, body: string): string {
  const head = `<meta http-equiv="Content-Security-Policy" content="${POLICY}">\n`;
  const main = `<main>\n<h1>${escapeHtml(title)}</h1>\n${body}\n</main>`;
  return frame(title, main, { head });
}
