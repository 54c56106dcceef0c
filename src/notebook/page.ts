/**
 * # A stand-alone page
 *
 * Makes one HTML file in the style of the notebooks' pages, light and dark. It needs no other
 * files, and it allows none: no script can run in it and nothing can be fetched, whatever its text
 * contains.
 */
import { STYLE } from './style';
import { escapeHtml } from './table-html';

/**
 * The frame of every page, including those of notebooks.
 * @param title text
 * @param body HTML
 * @param more further contents of the head and the style sheet
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
