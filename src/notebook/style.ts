/**
 * # The style of a notebook's page
 *
 * A column of text with a comfortable width, code marked only by its background, and outputs
 * directly below it. All colours are variables, so a dark page is just a second set of values. The
 * contrast of text is at least 4.5 : 1 in both.
 */
export const STYLE = `
:root { color-scheme: light dark; --page: #ffffff; --ink: #1f2328; --faint: #59636e; --line: #d8dee4; --ground: #f6f8fa; --link: #0757ba;
  --holds: #116329; --fails: #b3141d; --keyword: #b3141d; --string: #0a3069; --number: #0550ae; --comment: #59636e; --name: #6639ba; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --ink: #e6edf3; --faint: #9aa4ae; --line: #30363d; --ground: #161b22; --link: #58a6ff;
  --holds: #56d364; --fails: #ff7b72; --keyword: #ff7b72; --string: #a5d6ff; --number: #79c0ff; --comment: #9aa4ae; --name: #d2a8ff; } }
body { margin: 0; background: var(--page); color: var(--ink); font: 17px/1.6 system-ui, -apple-system, "Segoe UI", Arial, "Liberation Sans", sans-serif; }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; max-width: 900px; margin: 0 auto; padding: 12px 20px 0; font-size: 14px; }
nav [aria-current] { font-weight: 600; }
main { max-width: 900px; margin: 0 auto; padding: 32px 20px 96px; }
h1, h2, h3 { line-height: 1.25; margin: 1.6em 0 0.6em; }
h1 { font-size: 2em; margin-top: 0.4em; }
h2 { font-size: 1.45em; padding-bottom: 0.25em; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.15em; }
a { color: var(--link); }
p, ul, ol { margin: 0.7em 0; }
blockquote { margin: 1em 0; padding: 0 1em; color: var(--faint); border-left: 3px solid var(--line); }
code, pre { font: 13.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
.text :not(pre) > code { background: var(--ground); padding: 0.15em 0.35em; border-radius: 4px; }
pre { margin: 0; padding: 12px 16px; overflow-x: auto; tab-size: 2; }
.source, .text pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.text pre, .source { background: var(--ground); border-radius: 6px; }
section.code { margin: 1em 0; }
.time { float: right; position: relative; padding-left: 12px; background: var(--ground); color: var(--faint); font-size: 12px; }
.output { padding: 8px 16px; }
pre.output { white-space: pre-wrap; overflow-wrap: anywhere; }
.stderr { color: var(--fails); }
.holds { color: var(--holds); }
.fails { color: var(--fails); font-weight: 600; }
figure { margin: 12px 0; overflow-x: auto; }
figure > svg, figure > img, .moving svg { max-width: 100%; height: auto; border-radius: 6px; }
/* On a narrow page letters would shrink with a figure: it keeps a width and is moved sideways. */
@media (max-width: 640px) { figure > svg, figure > img, .moving svg { max-width: none; width: max(100%, 560px); } .moving { overflow-x: auto; } }
@media (prefers-color-scheme: dark) { figure > svg, figure > img, .moving svg { filter: brightness(0.9); } }
.moving input { width: min(420px, 90%); vertical-align: middle; }
table { border-collapse: collapse; margin: 0.8em 0; font-size: 15px; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 4px 12px 6px; color: var(--faint); }
th, td { padding: 4px 12px; border-top: 1px solid var(--line); }
thead th { border-top: 0; border-bottom: 2px solid var(--line); }
.rich { overflow-x: auto; }
details { margin: 0.8em 0; padding: 8px 16px; border: 1px solid var(--line); border-radius: 6px; }
summary { cursor: pointer; font-weight: 600; }
.katex { font-size: 1.1em; }
.katex-display { overflow: auto hidden; padding: 2px 0; }
.hljs-keyword { color: var(--keyword); }
.hljs-string, .hljs-regexp, .hljs-subst { color: var(--string); }
.hljs-number, .hljs-literal, .hljs-built_in, .hljs-attr { color: var(--number); }
.hljs-comment { color: var(--comment); font-style: italic; }
.hljs-title, .hljs-title.class_ { color: var(--name); }
@media print { .source, .text pre { border: 1px solid var(--line); } figure, pre { break-inside: avoid; } }
`;
