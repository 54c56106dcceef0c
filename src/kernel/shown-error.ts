/**
 * # Errors as people read them
 *
 * An error is shown as its message and a stack trace: `cell [3], line 4`, then files of the
 * project. Frames of the kernel and of Node's internals do not help and are left out. An error
 * whose message tells a person what to do (`FisherlabError`, a false claim) is shown without a
 * stack trace.
 */
import path from 'node:path';
import { inspect } from 'node:util';
import { CellSyntaxError } from './cell';
import { loader } from './hook';
import type { ShownError } from './messages';

const RED = '\x1b[31m';
const PLAIN = '\x1b[39m';

/** Thrown to end a cell from outside; also the reason of the abort signal. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
    this.stack = 'Interrupted';
  }
}

/** Errors whose message is enough. */
const SENTENCES = new Set(['FisherlabError', 'ClaimError', 'Interrupted']);

/** Frames of the kernel and of Node, and frames without a place. */
const NOISE = [
  /\(?node:/,
  /[\\/]src[\\/]kernel[\\/]/,
  /fisherlab:cell/,
  /^ *at (async )?(<anonymous>(:\d+:\d+)?|new Promise \(<anonymous>\)|Promise\.\w+ \(index \d+\))$/,
];

/**
 * How to show whatever was thrown.
 *
 * @param folder paths of files outside the clone are relative to it
 */
export function shownError(thrown: unknown, folder: string): ShownError {
  if (!isError(thrown)) {
    const text = inspect(thrown);
    return { name: 'Thrown', message: text, traceback: [`${RED}Thrown${PLAIN}: ${text}`] };
  }
  const name = String(thrown.name);
  const message = String(thrown.message);
  if (thrown instanceof CellSyntaxError) return shownSyntaxError(thrown);
  const [head, frames] = split(thrown);
  if (SENTENCES.has(name)) return { name, message, traceback: [`${RED}${head}${PLAIN}`] };
  const shown = frames
    .filter((line) => !NOISE.some((noise) => noise.test(line)))
    .map((line) => line.replace(/at Object\.<anonymous> \((.*)\)$/, 'at $1'))
    .map((line) => line.replaceAll(loader.root + path.sep, '').replaceAll(folder + path.sep, ''));
  const cause = thrown.cause === undefined ? [] : causeOf(thrown.cause, folder);
  return { name, message, traceback: [coloured(head, name), ...shown, ...cause] };
}

function causeOf(cause: unknown, folder: string): string[] {
  const [first = '', ...rest] = shownError(cause, folder).traceback;
  return [`because of ${first}`, ...rest];
}

function shownSyntaxError(error: CellSyntaxError): ShownError {
  const at = `    at ${error.place}, line ${error.line}, column ${error.column}`;
  return {
    name: error.name,
    message: error.message,
    traceback: [coloured(`${error.name}: ${error.message}`, error.name), at],
  };
}

/** `instanceof` does not recognise errors of other contexts (a virtual machine, jsdom). */
function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]';
}

/** The head of a stack (it may have several lines) and its frames. */
function split(error: Error): [head: string, frames: string[]] {
  const stack = typeof error.stack === 'string' ? error.stack : `${error.name}: ${error.message}`;
  if (SENTENCES.has(error.name)) return [error.name === 'ClaimError' ? stack : error.message, []];
  const lines = stack.split('\n');
  const first = lines.findIndex((line) => /^ +at /.test(line));
  if (first < 0) return [stack, []];
  return [lines.slice(0, first).join('\n'), lines.slice(first)];
}

const coloured = (head: string, name: string): string =>
  head.startsWith(name) ? `${RED}${name}${PLAIN}${head.slice(name.length)}` : head;
