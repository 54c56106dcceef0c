/**
 * # Preparing a cell to run
 *
 * A cell is TypeScript. V8's REPL mode runs JavaScript scripts, with `await` at the top level and
 * names that remain for later cells. Two steps turn the one into the other:
 *
 * 1. esbuild removes the types (without checking them; see `language.ts`);
 * 2. what a script cannot contain is rewritten (`cell-rewrite.ts`).
 *
 * Every position in the result can be mapped back to a line and column of the cell.
 */
import { type TransformFailure, transform } from 'esbuild';
import { apply, offsetOf, original, type Piece, sourceMap } from './cell-edits';
import { type Rewriting, rewrite } from './cell-rewrite';

/** A cell as it goes to the thread that runs it. */
export interface PreparedCell {
  /** Its name in stack traces: `fisherlab:cell-3`. */
  readonly script: string;
  readonly code: string;
  /** Names declared at the top level. */
  readonly declared: readonly string[];
  /**
   * For mapping positions back: the transpiled code, its source map, and the pieces of the code.
   */
  readonly transpiled: string;
  readonly map: string;
  readonly pieces: readonly Piece[];
}

/** Thrown for a cell that is not valid TypeScript. */
export class CellSyntaxError extends SyntaxError {
  /** The name of the cell in stack traces. */
  place = 'cell';

  constructor(
    message: string,
    /** 1-based. */
    readonly line: number,
    /** 1-based. */
    readonly column: number,
    /** Whether the text could become valid by adding more. */
    readonly unfinished: boolean,
  ) {
    super(message);
    this.name = 'SyntaxError';
  }
}

/**
 * Prepares a cell.
 *
 * @param source the text of the cell
 * @param number its execution count
 * @throws {CellSyntaxError} if it is not valid TypeScript
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

/** A function from 1-based positions in the running code to positions in the cell. */
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

/** Whether a text is a complete cell, an incomplete one, or invalid. */
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
      // An import that this cell does not use may be meant for a later cell.
      tsconfigRaw: { compilerOptions: { target: 'ES2022', verbatimModuleSyntax: true } },
    });
  } catch (error) {
    const first = (error as Partial<TransformFailure>).errors?.[0];
    if (first === undefined) throw error;
    const { line = 1, column = 0 } = first.location ?? {};
    // Only a string in backticks may continue on the next line.
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
