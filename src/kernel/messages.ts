/**
 * # What the threads say to each other
 *
 * One thread runs cells; another speaks to whoever sent them (Jupyter, or the runner of notebooks).
 * A cell is known to both by a key. Everything here is plain data: it is cloned between threads.
 */
import type { PreparedCell } from './cell';

/** To the thread that runs cells. */
export type Command =
  | {
      type: 'run';
      cell: string;
      prepared: PreparedCell;
      number: number;
      /** What is asked once the cell has ended well, by name: Jupyter's `user_expressions`. */
      expressions: Readonly<Record<string, string>>;
    }
  | { type: 'interrupt'; cell: string }
  /** An answer to `input`; null where nobody can be asked. */
  | { type: 'input'; cell: string; text: string | null }
  | { type: 'end' };

/** A bundle of one thing in several MIME types. */
export type Bundle = Readonly<Record<string, string>>;

/** What Jupyter has to be told about a bundle: widths of pictures. */
export type Metadata = Readonly<Record<string, unknown>>;

/** An error as Jupyter shows it. */
export interface ShownError {
  readonly name: string;
  readonly message: string;
  readonly traceback: readonly string[];
}

/** What an expression came to. */
export type Answered =
  | { status: 'ok'; data: Bundle; metadata: Metadata }
  | { status: 'error'; ename: string; evalue: string; traceback: readonly string[] };

/** From the thread that runs cells. */
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
  /** Something went wrong behind a cell's back: in a timer, in a promise that nobody awaited. */
  | { type: 'fault'; cell: string; error: ShownError }
  /** A long text, for a pager where there is one. */
  | { type: 'page'; cell: string; text: string }
  | { type: 'input'; cell: string; prompt: string; password: boolean }
  /** The interrupt was heard: nothing blocks the thread. */
  | { type: 'heard'; cell: string }
  | {
      type: 'done';
      cell: string;
      error?: ShownError;
      expressions?: Readonly<Record<string, Answered>>;
    }
  /** The process ends; it waits for the sockets to be closed. */
  | { type: 'closing' };

/** An event that belongs to a cell. */
export type CellEvent = Exclude<Event, { type: 'closing' }>;
