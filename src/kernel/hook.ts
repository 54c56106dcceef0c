/**
 * # The hook, with its types
 *
 * `loader.cjs` is plain JavaScript; this is the door through which TypeScript uses it.
 */

export interface Loader {
  install(): void;
  /** The clone. */
  readonly root: string;
  /** Whether a file lies in it. */
  inClone(file: string): boolean;
  /** How the project's files were when they were loaded. */
  readonly loaded: Map<string, FileState>;
  look(file: string): FileState;
  /** Where the lines of scripts come from; places are 1-based, the answer stands in stacks. */
  readonly places: Map<string, (line: number, column: number) => string | undefined>;
  /** Modules that stand in for others, by name. */
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
