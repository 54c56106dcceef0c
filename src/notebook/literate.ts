/**
 * # A module as a page
 *
 * Every file of `src` opens with its idea, and declarations have prose above them. This file turns
 * prose into text and code into listings, in the order of the file. Knuth called this weaving
 * (*Literate programming*, The Computer Journal 27, 1984). The page is MyST Markdown, which Sphinx
 * reads.
 *
 * A comment counts as prose if it begins with `/**` in the first column; comments inside functions
 * stay in the code.
 */

/** A stretch of a file: either prose (Markdown) or code. */
export interface Stretch {
  readonly kind: 'prose' | 'code';
  readonly text: string;
}

const DOC_COMMENT = /^\/\*\*(?:\n(?: \*.*\n)*? \*\/| .*? \*\/)$/gm;

/** Cuts a source file into prose and code, in order; blank stretches are left out. */
export function stretches(source: string): Stretch[] {
  const found: Stretch[] = [];
  const add = (kind: Stretch['kind'], text: string) => {
    if (text.trim() !== '') found.push({ kind, text: text.replace(/^\n+|\s+$/g, '') });
  };
  let at = 0;
  for (const comment of source.matchAll(DOC_COMMENT)) {
    add('code', source.slice(at, comment.index));
    add('prose', prose(comment[0]));
    at = comment.index + comment[0].length;
  }
  add('code', source.slice(at));
  return found;
}

/** The text of a doc comment: stars removed, its tags as a list. */
function prose(comment: string): string {
  const lines = comment
    .replace(/^\/\*\*\s?|\s*\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^ \* ?/, ''));
  return lines
    .join('\n')
    .replace(/^@param (\S+)/gm, '- `$1`:')
    .replace(/^@returns?/gm, '- returns')
    .replace(/^@throws \{(\w+)\}/gm, '- throws `$1`')
    .replace(/\{@link (\w+)\}/g, '`$1`');
}

/**
 * The page of a module.
 * @param file path from the root, `src/gradients/tape.ts`, which is shown below the title
 */
export function modulePage(file: string, source: string): string {
  const [opening, ...rest] = stretches(source);
  const title = /^# (.+)$/m.exec(opening?.text ?? '')?.[1] ?? file;
  const body = [
    ...(opening === undefined ? [] : [{ ...opening, text: opening.text.replace(/^# .+\n*/m, '') }]),
    ...rest,
  ].map(({ kind, text }) => (kind === 'prose' ? withoutHeadings(text) : listing(text)));
  return [`# ${title}`, `\`${file}\`${equations(source)}`, ...body.filter((part) => part !== '')]
    .join('\n\n')
    .concat('\n');
}

/** Links to the named equations in a file; `docs/equations.md` lists all of them. */
function equations(source: string): string {
  const names = [...source.matchAll(/\((eq|prop|alg):([a-z-]+)\)/g)];
  return names
    .map(([, kind, name]) => ` · [${kind}:${name}](/equations.md#${kind}-${name})`)
    .join('');
}

/** Moves headings one level down, so that they are below the title of the page. */
function withoutHeadings(text: string): string {
  return text.replace(/^# /gm, '## ');
}

/** A listing whose fence is longer than any inside it. */
function listing(code: string): string {
  const longest = Math.max(2, ...[...code.matchAll(/`{3,}/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}ts\n${code}\n${fence}`;
}
