/**
 * # Completion
 *
 * TypeScript's language service knows members, option keys, imports and their paths; names inside
 * strings come from the project (`language-names.ts`). Only fitting names are offered. A list of
 * all globals of JavaScript and Node would not help, so names from outside the notebook and the
 * project are offered only if they begin with what has been typed.
 */
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import ts from 'typescript';
import { namesFor } from './language-names';
import type { CellProgram } from './language-program';

/** The answer to a completion request. Offsets count UTF-16 units of the cell. */
export interface Completion {
  readonly matches: string[];
  readonly cursorStart: number;
  readonly cursorEnd: number;
  readonly metadata?: Record<string, unknown>;
}

/** The service sorts globals and keywords after everything else; `z` marks deprecated names. */
const GLOBAL = /^z?15/;

interface Match {
  readonly text: string;
  readonly kind: string;
}

/** Completes a cell at an offset. */
export function complete(
  root: string,
  program: CellProgram,
  code: string,
  cursor: number,
): Completion {
  const source = program.service.getProgram()?.getSourceFile(program.file);
  const literal = source && stringAt(source, program.start + cursor);
  const { start, matches } =
    literal === undefined
      ? wordMatches(program, code, cursor)
      : stringMatches(root, program, literal, cursor);
  return {
    matches: matches.map(({ text }) => text),
    cursorStart: start,
    cursorEnd: cursor,
    metadata: {
      _jupyter_types_experimental: matches.map(({ text, kind }) => ({
        start,
        end: cursor,
        text,
        type: kind,
      })),
    },
  };
}

function wordMatches(program: CellProgram, code: string, cursor: number) {
  const typed = /[\p{ID_Continue}$]*$/u.exec(code.slice(0, cursor))?.[0] ?? '';
  const entries = entriesAt(program, cursor).filter(
    ({ sortText }) => typed !== '' || !GLOBAL.test(sortText),
  );
  return { start: cursor - typed.length, matches: beginningWith(typed, entries.map(asMatch)) };
}

/**
 * Inside a string: a path is completed from its last slash on, anything else as a whole.
 */
function stringMatches(
  root: string,
  program: CellProgram,
  literal: ts.StringLiteralLike,
  cursor: number,
) {
  const inside = literal.getStart() + 1 - program.start;
  const quote = literal.getText()[0] as string;
  const written = literal
    .getSourceFile()
    .text.slice(literal.getStart() + 1, program.start + cursor);
  const entries = entriesAt(program, cursor);
  if (isModuleName(literal)) {
    const typed = written.slice(written.lastIndexOf('/') + 1);
    const local = written.startsWith('.') || written.includes('/');
    const fitting = local ? entries : entries.filter(isUsable(root));
    return { start: cursor - typed.length, matches: beginningWith(typed, fitting.map(asMatch)) };
  }
  const names = namesFor(root, program, literal).map((name) => ({
    text: name.replaceAll(quote, `\\${quote}`),
    kind: 'string',
  }));
  return { start: inside, matches: beginningWith(written, [...entries.map(asMatch), ...names]) };
}

function entriesAt({ service, file, start }: CellProgram, cursor: number): ts.CompletionEntry[] {
  const found = service.getCompletionsAtPosition(file, start + cursor, {
    includeCompletionsForImportStatements: false,
    includeCompletionsWithInsertText: false,
  });
  return (found?.entries ?? []).filter(({ kind }) => kind !== ts.ScriptElementKind.warning);
}

const asMatch = ({ name, kind }: ts.CompletionEntry): Match => ({ text: name, kind });

/** The matches that begin with what is typed, each once. If there are none, ignores the case. */
function beginningWith(typed: string, all: readonly Match[]): Match[] {
  const matches = [...new Map(all.map((match) => [match.text, match])).values()];
  const exact = matches.filter(({ text }) => text.startsWith(typed));
  if (exact.length > 0) return exact;
  return matches.filter(({ text }) => text.toLowerCase().startsWith(typed.toLowerCase()));
}

/** The string that contains a position, even if its closing quote is missing. */
function stringAt(source: ts.SourceFile, position: number): ts.StringLiteralLike | undefined {
  const find = (node: ts.Node): ts.StringLiteralLike | undefined => {
    if (position <= node.getFullStart() || position > node.getEnd()) return undefined;
    if (ts.isStringLiteralLike(node)) {
      const closed =
        node.getText().length > 1 && node.getText().endsWith(node.getText()[0] as string);
      const inside = position > node.getStart() && (position < node.getEnd() || !closed);
      return inside ? node : undefined;
    }
    return ts.forEachChild(node, find);
  };
  return find(source);
}

/** Whether a string names a module: after `from`, in `import(…)` or `require(…)`. */
function isModuleName({ parent }: ts.StringLiteralLike): boolean {
  if (ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent)) return true;
  if (!ts.isCallExpression(parent)) return false;
  const { expression } = parent;
  return (
    expression.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(expression) && expression.text === 'require')
  );
}

/**
 * Keeps only packages that the project depends on, its peer packages used in cells (danfojs-node),
 * and Node's own modules.
 */
function isUsable(root: string): (entry: ts.CompletionEntry) => boolean {
  const file = path.join(root, 'package.json');
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(file, 'utf8')) as Record<
    string,
    Record<string, string> | undefined
  >;
  const packages = Object.keys({ ...dependencies, ...peerDependencies });
  const usable = new Set(['fisherlab', ...packages, ...builtinModules]);
  return ({ name }) => usable.has(name) || name.startsWith('node:') || name.startsWith('@');
}
