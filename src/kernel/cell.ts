/**
 * # A cell, made ready to run
 *
 * A cell is TypeScript; V8's REPL mode runs JavaScript scripts, with `await` at the top and names
 * that stay for later cells. Two steps lead from one to the other:
 *
 * 1. esbuild takes the types out (nothing is checked: types are advice, see `language.ts`);
 * 2. what a script cannot say is rewritten (`cell-rewrite.ts`).
 *
 * Every position of the result leads back to line and column of the cell.
 */
import { type TransformFailure, transform } from 'esbuild';
import { apply, offsetOf, original, type Piece, sourceMap } from './cell-edits';
import { type Rewriting, rewrite } from './cell-rewrite';

/** A cell as it goes to the thread that runs it. */
export interface PreparedCell {
  /** How stacks call it: `fisherlab:cell-3`. */
  readonly script: string;
  readonly code: string;
  /** Names that it declares at the top. */
  readonly declared: readonly string[];
  /** To find the way back: the transpiled code, its source map, the pieces that the code is of. */
  readonly transpiled: string;
  readonly map: string;
  readonly pieces: readonly Piece[];
}

/** A cell that is no TypeScript. */
export class CellSyntaxError extends SyntaxError {
  /** What stacks call the cell. */
  place = 'cell';

  constructor(
    message: string,
    /** 1-based. */
    readonly line: number,
    /** 1-based. */
    readonly column: number,
    /** Whether the text is right as far as it goes. */
    readonly unfinished: boolean,
  ) {
    super(message);
    this.name = 'SyntaxError';
  }
}

/**
 * Makes a cell ready.
 *
 * @param source the cell's text
 * @param number its execution count
 * @throws {CellSyntaxError} if it is no TypeScript
 */
export async function prepareCell(source: string, number: number): Promise<PreparedCell> {
  const { code: transpiled, map } = await withoutTypes(source);
  const { edits, hoisted, declared } = rewritten(transpiled, map);
  const { code, pieces } = apply(transpiled, edits, hoisted);
  const script = `fisherlab:cell-${number}`;
  return {
    script,
    code: `"use strict";${code}\n//# sourceURL=${script}`,
    declared,
    transpiled,
    map,
    pieces: pieces.map(({ at, from }) => ({ at: at + '"use strict";'.length, from })),
  };
}

/** A function from 1-based places of the running code to places of the cell. */
export function cellPlaces(
  cell: PreparedCell,
): (line: number, column: number) => { line: number; column: number } | undefined {
  let map: ReturnType<typeof sourceMap> | undefined;
  return (line, column) => {
    map ??= sourceMap(cell.map);
    const at = offsetOf(cell.code, line, column);
    const piece = cell.pieces.filter((one) => one.at <= at).at(-1);
    if (piece === undefined) return undefined;
    return original(map, cell.transpiled, Math.max(0, piece.from + at - piece.at));
  };
}

/** Whether a text is a whole cell, one that goes on, or none. */
export async function completeness(source: string): Promise<'complete' | 'incomplete' | 'invalid'> {
  try {
    await withoutTypes(source);
    return 'complete';
  } catch (error) {
    return error instanceof CellSyntaxError && error.unfinished ? 'incomplete' : 'invalid';
  }
}

async function withoutTypes(source: string): Promise<{ code: string; map: string }> {
  try {
    return await transform(source, {
      loader: 'ts',
      format: 'esm',
      target: 'node20',
      sourcemap: 'external',
      sourcefile: 'cell.ts',
      logLevel: 'silent',
      // An import that this cell does not use may be meant for the next.
      tsconfigRaw: { compilerOptions: { target: 'ES2022', verbatimModuleSyntax: true } },
    });
  } catch (error) {
    const first = (error as Partial<TransformFailure>).errors?.[0];
    if (first === undefined) throw error;
    const { line = 1, column = 0 } = first.location ?? {};
    // Of texts, only one in backticks may go on in the next line.
    const openText =
      first.text.startsWith('Unterminated string') && source.split('`').length % 2 === 0;
    const unfinished = openText || /end of file|to terminate multi-line comment/.test(first.text);
    throw new CellSyntaxError(first.text, line, column + 1, unfinished);
  }
}

function rewritten(code: string, map: string): Rewriting {
  try {
    return rewrite(code);
  } catch (error) {
    const { pos = 0, message } = error as SyntaxError & { pos?: number };
    const { line, column } = original(sourceMap(map), code, pos) ?? { line: 1, column: 1 };
    throw new CellSyntaxError(message.replace(/ \(\d+:\d+\)$/, ''), line, column, false);
  }
}
