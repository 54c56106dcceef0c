/**
 * # Messages between the threads
 *
 * One thread runs cells; another talks to the program that sent them (Jupyter, or the notebook
 * runner). Both identify a cell by its key. All messages are plain data, which is cloned between
 * threads.
 */
import type { PreparedCell } from './cell';

/** A message to the thread that runs cells. */
export type Command =
  | {
      type: 'run';
      cell: string;
      prepared: PreparedCell;
      number: number;
      /**
       * Expressions to evaluate after the cell has ended without an error, by name: Jupyter's
       * `user_expressions`.
       */
      expressions: Readonly<Record<string, string>>;
    }
  | { type: 'interrupt'; cell: string }
  /** An answer to `input`; null if there is nobody to ask. */
  | { type: 'input'; cell: string; text: string | null }
  | { type: 'end' };

/** One output in several MIME types. */
export type Bundle = Readonly<Record<string, string>>;

/** Metadata of a bundle for Jupyter, such as widths of pictures. */
export type Metadata = Readonly<Record<string, unknown>>;

/** An error as Jupyter shows it. */
export interface ShownError {
  readonly name: string;
  readonly message: string;
  readonly traceback: readonly string[];
}

/** The result of an expression. */
export type Answered =
  | { status: 'ok'; data: Bundle; metadata: Metadata }
  | { status: 'error'; ename: string; evalue: string; traceback: readonly string[] };

/** A message from the thread that runs cells. */
export type Event =
  | { type: 'stream'; cell: string; name: 'stdout' | 'stderr'; text: string }
  | {
      type: 'display';
      cell: string;
      data: Bundle;
      metadata: Metadata;
      id?: string;
      update: boolean;
    }
  | { type: 'clear'; cell: string; wait: boolean }
  | { type: 'result'; cell: string; data: Bundle; metadata: Metadata }
  /**
   * An error outside the cell's own execution: in a timer, or in a promise that was not awaited.
   */
  | { type: 'fault'; cell: string; error: ShownError }
  /** A long text for a pager, if there is one. */
  | { type: 'page'; cell: string; text: string }
  | { type: 'input'; cell: string; prompt: string; password: boolean }
  /** The interrupt was received, so nothing blocks the thread. */
  | { type: 'heard'; cell: string }
  | {
      type: 'done';
      cell: string;
      error?: ShownError;
      expressions?: Readonly<Record<string, Answered>>;
    }
  /** The process is ending and waits until the sockets are closed. */
  | { type: 'closing' };

/** An event that belongs to a cell. */
export type CellEvent = Exclude<Event, { type: 'closing' }>;
