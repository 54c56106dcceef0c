/**
 * # A page of one's own
 *
 * One HTML file in the style of notebooks' pages, light and dark, that needs nothing else and is
 * allowed nothing else: no script runs in it and nothing is fetched, whatever came into its text.
 */
import { STYLE } from './style';
import { escapeHtml } from './table-html';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:";

/**
 * @param title text
 * @param body HTML
 */
export function page(title: string, body: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${body}
</main>
</body>
</html>
`;
}
