/**
 * # Notebook files
 *
 * A notebook is JSON (nbformat 4.5): cells with their source, and the outputs of each code cell.
 * Long texts are lists of lines, and the file is indented by one space and ends with a newline.
 * This is exactly how Jupyter writes it, so storing outputs changes only the outputs.
 */
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { checkedJson } from '../checked-json';
import { FisherlabError } from '../errors';

/** Text as one string or as lines with their ends. */
export type Multiline = string | string[];

export interface StreamOutput {
  output_type: 'stream';
  name: 'stdout' | 'stderr';
  text: Multiline;
}

export interface DisplayOutput {
  output_type: 'display_data';
  data: Record<string, Multiline>;
  metadata: Record<string, unknown>;
}

export interface ResultOutput {
  output_type: 'execute_result';
  data: Record<string, Multiline>;
  execution_count: number;
  metadata: Record<string, unknown>;
}

export interface ErrorOutput {
  output_type: 'error';
  ename: string;
  evalue: string;
  traceback: string[];
}

export type Output = StreamOutput | DisplayOutput | ResultOutput | ErrorOutput;

export interface Cell {
  cell_type: 'code' | 'markdown' | 'raw';
  id?: string;
  metadata: Record<string, unknown>;
  source: Multiline;
  /** Code cells only. */
  execution_count?: number | null;
  outputs?: Output[];
}

export interface Ipynb {
  cells: Cell[];
  metadata: Record<string, unknown>;
  nbformat: number;
  nbformat_minor: number;
}

const TEXT = v.union([v.string(), v.array(v.string())]);
const NOTEBOOK = v.looseObject({
  cells: v.array(
    v.looseObject({
      cell_type: v.picklist(['code', 'markdown', 'raw']),
      source: TEXT,
      outputs: v.optional(v.array(v.looseObject({ output_type: v.string() }))),
    }),
  ),
  metadata: v.looseObject({}),
  nbformat: v.literal(4),
  nbformat_minor: v.number(),
});

/**
 * Reads a notebook.
 * @throws {FisherlabError} if the file is missing, not JSON, or not a notebook of nbformat 4
 */
export function readNotebook(file: string): Ipynb {
  const howToFix = 'restore it from the repository or save it with Jupyter';
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new FisherlabError(
      `notebook '${file}' cannot be read: ${(error as Error).message}`,
      howToFix,
    );
  }
  const notebook = checkedJson(text, NOTEBOOK, { what: `notebook '${file}'`, howToFix });
  return notebook as unknown as Ipynb;
}

/** A notebook as the text of its file, with keys in alphabetical order as Jupyter writes them. */
export function notebookText(notebook: Ipynb): string {
  return `${JSON.stringify(notebook, inOrder, 1)}\n`;
}

function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function joined(text: Multiline): string {
  return typeof text === 'string' ? text : text.join('');
}

/** A text as lines that keep their ends; the last one may have none. */
export function inLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
