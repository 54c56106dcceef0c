/**
 * # Rewriting what a script cannot contain
 *
 * | in the cell | runs as | because |
 * |---|---|---|
 * | `import { a } from 'm'` | `let a = kernel.load('m', 'a', 'a')` | later cells see it, edited |
 * | `import('m')` | `kernel.import('m')` | it uses the same loader |
 * | `await e` | `await kernel.wait(e)` | an interrupt can end it anywhere |
 * | `for await (x of e)` | `for await (x of kernel.each(e))` | the same |
 * | `const`, `class`, `function` at the top | `let` | any cell may declare the name again |
 * | `export` at the top | nothing | a cell has no importers |
 * | the last expression | `kernel.result(e)` | the cell shows it |
 */
import { type Node, parse } from 'acorn';
import type { Edit } from './cell-edits';

/** The name of the kernel in the rewritten code. */
export const KERNEL = '__fisherlabKernel';

// biome-ignore lint/suspicious/noExplicitAny: nodes are walked by whatever keys they have
type AnyNode = Node & Record<string, any>;

/** The changes to a script. */
export interface Rewriting {
  readonly edits: readonly Edit[];
  /** Text to put in front, in this order; entries with a range are moved there. */
  readonly hoisted: readonly Edit[];
  /** Names declared at the top level. */
  readonly declared: readonly string[];
}

/**
 * Finds the changes a script needs.
 *
 * @throws {SyntaxError} with `pos`, if the code is not JavaScript
 */
export function rewrite(code: string): Rewriting {
  const program = parse(code, { ecmaVersion: 'latest', sourceType: 'module' });
  const edits: Edit[] = [];
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
  // An export list may follow the last expression.
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

/** `let a = kernel.load('m', 'a', 'a');` for each name, or the bare call if there is none. */
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

/**
 * `var a = 1, b` may occur twice in a cell: its declarations move to the front, its assignments
 * stay.
 */
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

/** The end of a statement's expression, before the semicolon. */
function endOfExpression(code: string, statement: AnyNode): number {
  return code[statement.end - 1] === ';' ? statement.end - 1 : statement.end;
}

/** Makes an interrupt end everything that waits. */
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
