/**
 * # What cells find in the kernel
 *
 * The thread that runs cells provides their streams, displays, `input` and the loading of imports.
 * Each output is posted at once to the thread that talks to Jupyter, so it appears while the cell
 * is still computing.
 */

import { Console } from 'node:console';
import { createRequire } from 'node:module';
import path from 'node:path';
import { KERNEL } from './cell-rewrite';
import type { Bundle, Event, Metadata, ShownError } from './messages';
import { currentCell } from './running';
import { shownError } from './shown-error';

/** The kernel as cells and the project's displays see it: `globalThis.__fisherlabKernel`. */
export interface KernelHost {
  /** Shows a value as a bundle of MIME types; with an id it can be replaced later. */
  display(
    bundle: Bundle,
    options?: { metadata?: Metadata; displayId?: string; update?: boolean },
  ): void;
  /** Clears the output of the cell; with `wait`, only when something new is shown. */
  clearOutput(options?: { wait?: boolean }): void;
  /** Shows a long text in a pager. */
  page(text: string): void;
  /** Asks for a line of text. */
  input(prompt?: string, options?: { password?: boolean }): Promise<string>;
  /** A signal that is aborted when the running cell is interrupted. */
  readonly signal: AbortSignal | undefined;
  wait(value: unknown): unknown;
  each(values: AsyncIterable<unknown> | Iterable<unknown>): AsyncIterable<unknown>;
  result(value: unknown): void;
  load(request: string, name?: string, local?: string): unknown;
  import(request: string): Promise<unknown>;
}

/** A name in a cell that refers to an export. */
export interface ImportedName {
  readonly request: string;
  readonly name: string;
}

export interface Host {
  /** Names declared by imports in cells. */
  readonly imported: Map<string, ImportedName>;
  /** Resolves what `import` in a cell names to a file, or a built-in module's name. */
  resolve(request: string): string;
  /** Loads what `import` in a cell names. */
  load(request: string): unknown;
  /** Answers the cell's `input`; null if there is nobody to ask. */
  answer(text: string | null): void;
  shown(thrown: unknown): ShownError;
}

/**
 * Makes the kernel available to cells, and takes over the streams of the process.
 *
 * @param folder of the notebook
 * @param post receives everything to be shown
 */
export function createHost(folder: string, post: (event: Event) => void): Host {
  const load = createRequire(path.join(folder, 'cell.ts'));
  const imported = new Map<string, ImportedName>();
  let answer: ((text: string | null) => void) | undefined;
  const key = () => currentCell()?.key ?? '';
  takeStreams((name, text) => post({ type: 'stream', cell: key(), name, text }));

  const host: KernelHost = {
    display(data, { metadata = {}, displayId: id, update = false } = {}) {
      const named = id === undefined ? {} : { id };
      post({ type: 'display', cell: key(), data, metadata, update, ...named });
    },
    clearOutput: ({ wait = false } = {}) => post({ type: 'clear', cell: key(), wait }),
    page: (text) => post({ type: 'page', cell: key(), text: String(text) }),
    input(prompt = '', { password = false } = {}) {
      post({ type: 'input', cell: key(), prompt: String(prompt), password });
      const answered = new Promise<string>((resolve, reject) => {
        answer = (text) =>
          text === null ? reject(new Error('input cannot ask anybody here')) : resolve(text);
      });
      return Promise.resolve(currentCell()?.wait(answered) ?? answered);
    },
    get signal() {
      return currentCell()?.controller.signal;
    },
    wait: (value) => currentCell()?.wait(value) ?? value,
    each: (values) => currentCell()?.each(values) ?? (values as AsyncIterable<unknown>),
    result(value) {
      const cell = currentCell();
      if (cell !== undefined) cell.result = { value };
    },
    load(request, name, local) {
      const exports = load(request);
      if (name === undefined) return undefined;
      if (local !== undefined) imported.set(local, { request, name });
      return exportOf(exports, name);
    },
    import: async (request) => {
      const exports = load(request);
      return exports?.__esModule ? exports : { ...exports, default: exports };
    },
  };
  const put = (name: string, value: unknown, enumerable = false) =>
    Object.defineProperty(globalThis, name, {
      value,
      enumerable,
      configurable: true,
      writable: true,
    });
  put(KERNEL, host);
  put('require', load);
  put('__dirname', folder);
  put('input', host.input);
  put('clearOutput', host.clearOutput);
  put('page', host.page);
  return {
    imported,
    resolve: (request) => load.resolve(request),
    load,
    answer: (text) => answer?.(text),
    shown: (thrown) => shownError(thrown, folder),
  };
}

/** An export by its name; `*` is the whole module, as with `esModuleInterop`. */
// biome-ignore lint/suspicious/noExplicitAny: a module may be anything
export function exportOf(exports: any, name: string): unknown {
  if (name === '*' || (name === 'default' && !exports?.__esModule)) return exports;
  return exports?.[name];
}

/**
 * Passes everything written to stdout and stderr to `write`. The console is replaced by a new one,
 * because V8's inspector keeps everything that was logged to its own console, including tensors.
 */
function takeStreams(write: (name: 'stdout' | 'stderr', text: string) => void): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const decoder = new TextDecoder();
    process[name].write = ((
      chunk: string | Uint8Array,
      encoding?: unknown,
      callback?: () => void,
    ): boolean => {
      const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
      if (text !== '') write(name, text);
      const done = typeof encoding === 'function' ? encoding : callback;
      done?.();
      return true;
    }) as typeof process.stdout.write;
  }
  globalThis.console = new Console({
    stdout: process.stdout,
    stderr: process.stderr,
    colorMode: false,
  }) as typeof console;
}
