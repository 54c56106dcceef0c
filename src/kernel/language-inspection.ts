/**
 * # Inspection
 *
 * Shows the signature and the doc comment of the thing at the cursor, as text and as Markdown.
 * Between the brackets of a call, shows the signature of the called function. With more detail
 * (`detail` 1), also shows where it is defined, and its source.
 */
import path from 'node:path';
import ts from 'typescript';
import type { CellProgram } from './language-program';

/** The answer to an inspection request: texts by MIME type, empty if nothing was found. */
export interface Inspection {
  readonly found: boolean;
  readonly data: Record<string, string>;
}

interface Description {
  readonly signature: string;
  readonly documentation: string;
  readonly tags: readonly ts.JSDocTagInfo[];
}

/** The largest number of source lines shown. */
const LINES = 60;

/** Describes what is at an offset of the cell. */
export function inspect(
  root: string,
  program: CellProgram,
  code: string,
  cursor: number,
  detail: number,
): Inspection {
  // The cursor is between two characters, so it may belong to the word before it or the one after.
  const on = [cursor, cursor - 1].filter((at) => /[\p{ID_Continue}$'"]/u.test(code[at] ?? ''));
  const described = [...on.map((at) => wordAt(program, at)), callAround(program, cursor)].find(
    Boolean,
  );
  if (described === undefined) return { found: false, data: {} };
  const sources =
    detail > 0 ? on.map((at) => sourceOf(root, program, at)).find(Boolean) : undefined;
  return { found: true, data: texts(described, sources) };
}

function wordAt({ service, file, start }: CellProgram, at: number): Description | undefined {
  const info = service.getQuickInfoAtPosition(file, start + at);
  if (info === undefined) return undefined;
  // To the service, a name from another cell or a file is an alias; the user wants to see what it
  // stands for.
  const signature = ts
    .displayPartsToString(info.displayParts)
    .replace(/^\(alias\) /, '')
    .replace(/\nimport [^\n]*$/, '');
  return {
    signature,
    documentation: ts.displayPartsToString(info.documentation),
    tags: info.tags ?? [],
  };
}

function callAround(
  { service, file, start }: CellProgram,
  cursor: number,
): Description | undefined {
  const help = service.getSignatureHelpItems(file, start + cursor, {});
  const item = help?.items[help.selectedItemIndex];
  if (item === undefined) return undefined;
  const parameters = item.parameters.map(({ displayParts }) =>
    ts.displayPartsToString(displayParts),
  );
  const signature =
    ts.displayPartsToString(item.prefixDisplayParts) +
    parameters.join(ts.displayPartsToString(item.separatorDisplayParts)) +
    ts.displayPartsToString(item.suffixDisplayParts);
  return {
    signature,
    documentation: ts.displayPartsToString(item.documentation),
    tags: item.tags,
  };
}

/** Where the thing at an offset is declared, and its declaration. */
function sourceOf(root: string, { service, file, start }: CellProgram, at: number) {
  const [definition] = service.getDefinitionAtPosition(file, start + at) ?? [];
  const source = definition && service.getProgram()?.getSourceFile(definition.fileName);
  if (definition === undefined || source === undefined) return undefined;
  const { start: from, length } = definition.contextSpan ?? definition.textSpan;
  const lines = source.text.slice(from, from + length).split('\n');
  const line = source.getLineAndCharacterOfPosition(from).line + 1;
  const ofCell = path.basename(definition.fileName).startsWith('.cell');
  return {
    where: ofCell
      ? 'a cell of this notebook'
      : `${path.relative(root, definition.fileName)}:${line}`,
    text: [...lines.slice(0, LINES), ...(lines.length > LINES ? ['…'] : [])].join('\n'),
  };
}

function texts(
  { signature, documentation, tags }: Description,
  source: { where: string; text: string } | undefined,
): Record<string, string> {
  const said = tags.map(({ name, text }) => ({ name, text: ts.displayPartsToString(text) }));
  const plain = [
    signature,
    documentation,
    said.map(({ name, text }) => `@${name} ${text}`).join('\n'),
    ...(source === undefined ? [] : [`${source.where}\n${source.text}`]),
  ];
  const fenced = (text: string) => `\`\`\`typescript\n${text}\n\`\`\``;
  const markdown = [
    fenced(signature),
    documentation,
    said.map(({ name, text }) => `- *${name}* ${text.replaceAll('\n', ' ')}`).join('\n'),
    ...(source === undefined ? [] : [`\`${source.where}\``, fenced(source.text)]),
  ];
  const joined = (parts: readonly string[]) => parts.filter((part) => part !== '').join('\n\n');
  return { 'text/plain': joined(plain), 'text/markdown': joined(markdown) };
}
