/**
 * # Edits of a text, and the way back
 *
 * Rewrites a text with some ranges replaced and some moved to the front. The list of pieces of the
 * result maps its positions back to the text, and a source map leads from there to lines and
 * columns of the original source.
 */
import { SourceMap, type SourceMapPayload } from 'node:module';

/** A range to replace; an empty range is an insertion. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A piece of the result: the characters from `at` on were at `from` in the text. */
export interface Piece {
  readonly at: number;
  readonly from: number;
}

/**
 * Applies the edits to the code. Insertions at the same position keep their order, except that
 * closing ones, which are requested later and belong further inside, come first.
 */
export function apply(
  code: string,
  edits: readonly Edit[],
  hoisted: readonly Edit[],
): { code: string; pieces: Piece[] } {
  let out = '';
  const pieces: Piece[] = [];
  const copy = (start: number, end: number) => {
    if (start < end) {
      pieces.push({ at: out.length, from: start });
      out += code.slice(start, end);
    }
  };
  const insert = (text: string, from: number) => {
    if (text !== '') pieces.push({ at: out.length, from });
    out += text;
  };
  const moved = hoisted.filter((one) => one.end > one.start);
  const gone = moved.map(({ start, end }) => ({ start, end, text: '' }));
  const write = (start: number, end: number, changes: Edit[]) => {
    let at = start;
    for (const edit of changes) {
      copy(at, edit.start);
      insert(edit.text, edit.start);
      at = Math.max(at, edit.end);
    }
    copy(at, end);
  };
  const ordered = edits
    .map((edit, order) => ({ edit, order }))
    .sort((a, b) => a.edit.start - b.edit.start || a.edit.end - b.edit.end || a.order - b.order)
    .map(({ edit }) => edit);
  const within = (edit: Edit, { start, end }: Edit) => edit.start >= start && edit.end <= end;
  for (const one of hoisted) {
    insert(one.text, one.start);
    if (one.end === one.start) continue;
    write(
      one.start,
      one.end,
      ordered.filter((edit) => within(edit, one)),
    );
    insert(';', one.end);
  }
  const rest = ordered.filter((edit) => !moved.some((one) => within(edit, one)));
  const all = [...rest, ...gone].sort((a, b) => a.start - b.start);
  write(0, code.length, all);
  return { code: out, pieces };
}

/** Parses a source map. */
export const sourceMap = (text: string) => new SourceMap(JSON.parse(text) as SourceMapPayload);

/** Line and column, 1-based, of an offset of the transpiled code in the cell's own text. */
export function original(
  map: SourceMap,
  code: string,
  offset: number,
): { line: number; column: number } | undefined {
  const before = code.slice(0, offset).split('\n');
  const entry = map.findEntry(before.length - 1, (before.at(-1) as string).length);
  if (!('originalLine' in entry)) return undefined;
  return { line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}

/** The offset of a 1-based line and column. */
export function offsetOf(code: string, line: number, column: number): number {
  let start = 0;
  for (let i = 1; i < line; i++) start = code.indexOf('\n', start) + 1;
  return start + column - 1;
}
