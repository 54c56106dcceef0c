/**
 * # A cell, made ready to run
 *
 * A cell is TypeScript; V8's REPL mode runs JavaScript scripts, with `await` at the top and names
 * that stay for later cells. Two steps lead from one to the other:
 *
 * 1. esbuild takes the types out (nothing is checked: types are advice, see `language.ts`);
 * 2. what a script cannot say is rewritten (`acorn` finds the places):
 *
 * | in the cell | runs as | because |
 * |---|---|---|
 * | `import { a } from 'm'` | `let a = kernel.load('m', 'a', 'a')` | later cells see it, edited |
 * | `import('m')` | `kernel.import('m')` | it goes through the same loader |
 * | `await e` | `await kernel.wait(e)` | an interrupt ends it, wherever it stands |
 * | `for await (x of e)` | `for await (x of kernel.each(e))` | the same |
 * | `const`, `class`, `function` at the top | `let` | any cell may declare the name again |
 * | `export` at the top | nothing | a cell has no importers |
 * | the last expression | `kernel.result(e)` | it is what the cell shows |
 *
 * Every position of the result leads back to line and column of the cell.
 */
import { SourceMap, type SourceMapPayload } from 'node:module';
import { type Node, type Program, parse } from 'acorn';
import { type TransformFailure, transform } from 'esbuild';

/** What the rewritten code calls the kernel. */
export const KERNEL = '__fisherlabKernel';

/** A piece of the rewritten code: from `at` on it is what was at `from` in the transpiled code. */
interface Piece {
  readonly at: number;
  readonly from: number;
}

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
  const { edits, hoisted, declared } = rewrite(transpiled, map);
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
  let map: SourceMap | undefined;
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

// --- Rewriting -----------------------------------------------------------------------------------

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

// biome-ignore lint/suspicious/noExplicitAny: nodes are walked by whatever keys they have
type AnyNode = Node & Record<string, any>;

function rewrite(
  code: string,
  map: string,
): { edits: Edit[]; hoisted: Edit[]; declared: string[] } {
  const program = parsed(code, map);
  const edits: Edit[] = [];
  // Put in front, in this order; those with a range are moved there.
  const names: string[] = [];
  const imports: string[] = [];
  const functions: Edit[] = [];
  const declared = new Set<string>();
  const body = program.body as AnyNode[];
  const replace = (start: number, end: number, text: string) => edits.push({ start, end, text });
  const declare = (node: AnyNode) => {
    if (node.type === 'VariableDeclaration') {
      for (const { id } of node.declarations) for (const name of namesOf(id)) declared.add(name);
      if (node.kind === 'var') asAssignments(node, names, replace);
      else if (node.kind === 'const') replace(node.start, node.start + 'const'.length, 'let');
    } else if (node.type === 'ClassDeclaration') {
      declared.add(node.id.name);
      replace(node.start, node.start, `let ${node.id.name} = `);
      replace(node.end, node.end, ';');
    } else if (node.type === 'FunctionDeclaration') {
      declared.add(node.id.name);
      functions.push({ start: node.start, end: node.end, text: `let ${node.id.name} = ` });
    }
  };
  for (const node of body) {
    if (node.type === 'ImportDeclaration') {
      imports.push(...importCalls(node, declared));
      replace(node.start, node.end, '');
    } else if (node.type === 'ExportNamedDeclaration' && node.declaration) {
      replace(node.start, node.declaration.start, '');
      declare(node.declaration);
    } else if (node.type === 'ExportNamedDeclaration' || node.type === 'ExportAllDeclaration') {
      if (node.source) imports.push(`${KERNEL}.load(${JSON.stringify(node.source.value)});`);
      replace(node.start, node.end, '');
    } else if (node.type === 'ExportDefaultDeclaration') {
      if (node.declaration.id) {
        replace(node.start, node.declaration.start, '');
        declare(node.declaration);
      } else {
        replace(node.start, node.declaration.start, '(');
        replace(node.declaration.end, node.declaration.end, ')');
      }
    } else declare(node);
  }
  // An export list may stand behind the last expression.
  const last = body.filter((node) => !/^(Export(Named|All)|Empty)/.test(node.type)).at(-1);
  if (last?.type === 'ExpressionStatement') {
    replace(last.start, last.start, `${KERNEL}.result(`);
    replace(endOfExpression(code, last), endOfExpression(code, last), ')');
  }
  interruptible(program as AnyNode, replace);
  const front = [
    ...(names.length > 0 ? [`let ${[...new Set(names)].join(', ')};`] : []),
    ...imports,
  ];
  const hoisted = [{ start: 0, end: 0, text: front.join('') }, ...functions];
  return { edits, hoisted, declared: [...declared] };
}

/** `let a = kernel.load('m', 'a', 'a');` for each name, or the bare call where there is none. */
function importCalls(node: AnyNode, declared: Set<string>): string[] {
  const from = JSON.stringify(node.source.value);
  if (node.specifiers.length === 0) return [`${KERNEL}.load(${from});`];
  return node.specifiers.map((specifier: AnyNode) => {
    const local: string = specifier.local.name;
    const imported =
      specifier.type === 'ImportNamespaceSpecifier'
        ? '*'
        : specifier.type === 'ImportDefaultSpecifier'
          ? 'default'
          : (specifier.imported.name ?? specifier.imported.value);
    declared.add(local);
    return `let ${local} = ${KERNEL}.load(${from}, ${JSON.stringify(imported)}, '${local}');`;
  });
}

/** `var a = 1, b` may stand twice in a cell: its names go to the front, its values stay. */
function asAssignments(
  node: AnyNode,
  names: string[],
  replace: (start: number, end: number, text: string) => void,
): void {
  const declarations: AnyNode[] = node.declarations;
  for (const { id } of declarations) names.push(...namesOf(id));
  replace(node.start, (declarations[0] as AnyNode).start, ';(');
  for (const one of declarations) {
    if (one.init === null) replace(one.start, one.start, 'void ');
  }
  const end = (declarations.at(-1) as AnyNode).end;
  replace(end, end, ')');
}

/** The names that a pattern binds. */
function namesOf(pattern: AnyNode | null): string[] {
  if (pattern === null) return [];
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((one: AnyNode) => namesOf(one.value ?? one.argument));
    case 'ArrayPattern':
      return pattern.elements.flatMap(namesOf);
    case 'AssignmentPattern':
      return namesOf(pattern.left);
    default:
      return namesOf(pattern.argument);
  }
}

/** Where the expression of a statement ends: before its semicolon. */
function endOfExpression(code: string, statement: AnyNode): number {
  return code[statement.end - 1] === ';' ? statement.end - 1 : statement.end;
}

/** Everything that waits is made to end with an interrupt. */
function interruptible(
  node: AnyNode,
  replace: (start: number, end: number, text: string) => void,
): void {
  if (node.type === 'AwaitExpression') {
    replace(node.start + 'await'.length, node.start + 'await'.length, ` ${KERNEL}.wait(`);
    replace(node.end, node.end, ')');
  } else if (node.type === 'ForOfStatement' && node.await) {
    replace(node.right.start, node.right.start, `${KERNEL}.each(`);
    replace(node.right.end, node.right.end, ')');
  } else if (node.type === 'ImportExpression') {
    replace(node.start, node.start + 'import'.length, `${KERNEL}.import`);
  }
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') interruptible(child, replace);
    }
  }
}

/**
 * Writes the code with its edits. Insertions at one position stand in the order in which they were
 * asked for, closing ones (asked for later, further in) first.
 */
function apply(code: string, edits: Edit[], hoisted: Edit[]): { code: string; pieces: Piece[] } {
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

// --- Places --------------------------------------------------------------------------------------

function parsed(code: string, map: string): Program {
  try {
    return parse(code, { ecmaVersion: 'latest', sourceType: 'module' });
  } catch (error) {
    const { pos = 0, message } = error as SyntaxError & { pos?: number };
    const { line, column } = original(sourceMap(map), code, pos) ?? { line: 1, column: 1 };
    throw new CellSyntaxError(message.replace(/ \(\d+:\d+\)$/, ''), line, column, false);
  }
}

const sourceMap = (text: string) => new SourceMap(JSON.parse(text) as SourceMapPayload);

/** Line and column, 1-based, of an offset of the transpiled code in the cell's own text. */
function original(
  map: SourceMap,
  code: string,
  offset: number,
): { line: number; column: number } | undefined {
  const before = code.slice(0, offset).split('\n');
  const entry = map.findEntry(before.length - 1, (before.at(-1) as string).length);
  if (!('originalLine' in entry)) return undefined;
  return { line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}

function offsetOf(code: string, line: number, column: number): number {
  let start = 0;
  for (let i = 1; i < line; i++) start = code.indexOf('\n', start) + 1;
  return start + column - 1;
}
