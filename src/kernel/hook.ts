/**
 * # The loader hook, with types
 *
 * `loader.cjs` is plain JavaScript; this file gives it types.
 */

export interface Loader {
  install(): void;
  /** The folder of the clone. */
  readonly root: string;
  /** Whether a file is in the clone. */
  inClone(file: string): boolean;
  /** The state of the project's files when they were loaded. */
  readonly loaded: Map<string, FileState>;
  look(file: string): FileState;
  /** Maps 1-based positions in scripts to text for stack traces. */
  readonly places: Map<string, (line: number, column: number) => string | undefined>;
  /** Modules that replace others, by name. */
  readonly standIns: Map<string, string>;
  /** @throws {SyntaxError} naming file, line and column */
  transpile(file: string, source: string): string;
}

export interface FileState {
  readonly time: number;
  readonly size: number;
  /** Its SHA-256. */
  readonly content: string;
}

export const loader = require('./loader.cjs') as Loader;
