/**
 * # Cells as modules
 *
 * In a notebook, a name has the meaning that the last cell declaring it gave it, and it may be
 * declared again with another type. In TypeScript, modules have such scopes. So each executed cell
 * becomes a module that exports what it declares, and imports what it uses from the modules that
 * declared it last. The cell being written is the last module.
 *
 *     cell 1: const n = 1;         .cell-a.ts: export {}; / const n = 1; / export { n };
 *     cell 2: const m = n;         .cell-b.ts: import { n } from './.cell-a'; / const m = n; / …
 *     cell 3: const n = 'word';    .cell-c.ts: exports another n; m keeps its type
 *
 * A module is named by the hash of its text, imports included. So a cell that is executed again
 * without a change is the same module, and nothing has to be checked again. A module that nothing
 * visible depends on is no longer part of the program, so five hundred executions of one cell cost
 * as little as one.
 */
import { createHash } from 'node:crypto';
import ts from 'typescript';

/** What a cell provides for the cells after it. */
interface Declarations {
  /** Names declared at top level: variables, functions, classes, types, imports. */
  readonly names: readonly string[];
  /** The names among these that the cell itself exports. */
  readonly exported: ReadonlySet<string>;
  /**
   * The variables among these whose type follows from what was put into them: `const rows = []`,
   * `let best;`.
   */
  readonly evolving: ReadonlySet<string>;
  /** Every identifier in the cell. */
  readonly used: ReadonlySet<string>;
}

/** All cells as modules: their texts by name, and where each visible name comes from. */
export interface CellModules {
  readonly texts: ReadonlyMap<string, string>;
  readonly visible: ReadonlyMap<string, string>;
}

/** The cells executed so far, in order, as modules. */
export function cellModules(cells: readonly string[]): CellModules {
  const texts = new Map<string, string>();
  const visible = new Map<string, string>();
  for (const cell of cells) {
    const declared = declarationsOf(cell);
    const text = `${importsFor(declared, visible)}\n${cell}\n${exportsOf(declared)}`;
    const name = `.cell-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
    texts.set(name, text);
    for (const each of declared.names) visible.set(each, name);
  }
  return { texts, visible };
}

/**
 * The line that imports everything visible into the cell being written, except what it declares
 * itself. The cell is a module even if nothing has been executed yet.
 */
export function importsOfAll(cell: string, visible: ReadonlyMap<string, string>): string {
  const { names } = declarationsOf(cell);
  return importLine(
    [...visible.keys()].filter((name) => !names.includes(name)),
    visible,
  );
}

function importsFor({ names, used }: Declarations, visible: ReadonlyMap<string, string>): string {
  return importLine(
    [...visible.keys()].filter((name) => used.has(name) && !names.includes(name)),
    visible,
  );
}

function importLine(names: readonly string[], visible: ReadonlyMap<string, string>): string {
  const byModule = new Map<string, string[]>();
  for (const name of names) {
    const from = visible.get(name) as string;
    byModule.set(from, [...(byModule.get(from) ?? []), name]);
  }
  const lines = [...byModule].map(
    ([from, list]) => `import { ${list.join(', ')} } from './${from}';`,
  );
  return ['export {};', ...lines].join(' ');
}

/**
 * The text added at the end of an executed cell. An evolving variable is exported with its type at
 * that point: `const rows = []` has the type of what has been pushed into it.
 */
function exportsOf({ names, exported, evolving }: Declarations): string {
  const own = names.filter((name) => !exported.has(name));
  const last = own.filter((name) => evolving.has(name));
  const constants = last.map((name) => `const __last_${name} = ${name};`);
  const list = own.map((name) => (evolving.has(name) ? `__last_${name} as ${name}` : name));
  return [';', ...constants, `export { ${list.join(', ')} };`].join(' ');
}

const known = new Map<string, Declarations>();

/** Parses each cell only once, although every request contains all sources. */
function declarationsOf(cell: string): Declarations {
  const before = known.get(cell);
  if (before !== undefined) return before;
  if (known.size > 2000) known.clear();
  const declared = readDeclarations(cell);
  known.set(cell, declared);
  return declared;
}

function readDeclarations(cell: string): Declarations {
  const source = ts.createSourceFile('cell.ts', cell, ts.ScriptTarget.ES2022, false);
  const names = new Set<string>();
  const exported = new Set<string>();
  const evolving = new Set<string>();
  const used = new Set<string>();
  for (const statement of source.statements) {
    const here = namesOf(statement);
    for (const name of here) {
      names.add(name);
      if (isExported(statement)) exported.add(name);
    }
    for (const name of evolvingOf(statement)) evolving.add(name);
  }
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) used.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { names: [...names].filter((name) => name !== ''), exported, evolving, used };
}

const isExported = (statement: ts.Statement): boolean =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

/** The names that a statement declares in its scope. */
function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) => boundBy(name));
  if (ts.isImportDeclaration(statement)) {
    const { name, namedBindings } = statement.importClause ?? {};
    const others =
      namedBindings === undefined
        ? []
        : ts.isNamespaceImport(namedBindings)
          ? [namedBindings.name.text]
          : namedBindings.elements.map((element) => element.name.text);
    return name === undefined ? others : [name.text, ...others];
  }
  if (
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement) ||
    ts.isModuleDeclaration(statement) ||
    ts.isImportEqualsDeclaration(statement)
  )
    return statement.name === undefined ? [] : [statement.name.text];
  return [];
}

/** The names in a binding: `{ model, header: { step } }` binds `model` and `step`. */
function boundBy(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) =>
    ts.isOmittedExpression(element) ? [] : boundBy(element.name),
  );
}

function evolvingOf(statement: ts.Statement): string[] {
  if (!ts.isVariableStatement(statement)) return [];
  return statement.declarationList.declarations.flatMap(({ name, type, initializer }) => {
    const empty =
      initializer === undefined ||
      (ts.isArrayLiteralExpression(initializer) && initializer.elements.length === 0);
    return ts.isIdentifier(name) && type === undefined && empty ? [name.text] : [];
  });
}
