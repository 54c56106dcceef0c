/**
 * # The running cell
 *
 * Everything that a cell starts belongs to it: if a timer of cell 3 prints while cell 5 runs, the
 * text appears below cell 3. An interrupt reaches a cell in four ways: its `AbortSignal`, its waits
 * (every `await` in the cell), its timers, and the next tensor operation.
 *
 * Node's `AsyncLocalStorage` would follow every promise, but cannot be used: when an execution is
 * ended from outside, Node 20 and 22 find their stack of asynchronous contexts out of order and
 * abort the process. So the current cell is passed on explicitly when timers fire and waits
 * continue.
 */

import type { ShownError } from './messages';
import { Interrupted } from './shown-error';

/** The state of a cell from its start on. */
export class RunningCell {
  readonly controller = new AbortController();
  /** Functions that end the current waits. */
  private readonly waits = new Set<(reason: Interrupted) => void>();
  private reason: Interrupted | undefined;
  /** The value of its last expression. */
  result: { readonly value: unknown } | undefined;
  /** The first error outside its own execution. */
  fault: ShownError | undefined;

  constructor(
    readonly key: string,
    readonly number: number,
  ) {}

  get interrupted(): boolean {
    return this.reason !== undefined;
  }

  /** Ends its waits, now and from now on. */
  interrupt(): void {
    if (this.reason !== undefined) return;
    const reason = new Interrupted();
    this.reason = reason;
    this.controller.abort(reason);
    for (const end of this.waits) end(reason);
    this.waits.clear();
  }

  /** @throws {Interrupted} once the cell was interrupted */
  checkpoint(): void {
    if (this.reason !== undefined) throw this.reason;
  }

  /** What an `await` in a cell waits for: the value, or the interrupt. */
  wait<T>(value: T | PromiseLike<T>): T | Promise<T> {
    this.checkpoint();
    if (!isThenable(value)) return value;
    return new Promise<T>((resolve, reject) => {
      this.waits.add(reject);
      value.then(
        (result) => this.goOn(reject, () => resolve(result)),
        (error) => this.goOn(reject, () => reject(error)),
      );
    });
  }

  /**
   * Settles a wait. The code after it runs in the next microtask, as part of this cell. The
   * microtask after that belongs to a promise, because Node keeps a context for those of
   * `queueMicrotask`, and aborts if one of them is ended from outside.
   */
  private goOn(wait: (reason: Interrupted) => void, settle: () => void): void {
    this.waits.delete(wait);
    const before = current;
    current = this;
    settle();
    void Promise.resolve().then(() => {
      current = before;
    });
  }

  /** What a `for await` in a cell iterates over; an interrupt can end each step. */
  async *each<T>(values: AsyncIterable<T> | Iterable<T | PromiseLike<T>>): AsyncGenerator<T> {
    if (!(Symbol.asyncIterator in values)) {
      for (const value of values) yield await this.wait(value);
      return;
    }
    const iterator = values[Symbol.asyncIterator]();
    let ended = false;
    try {
      for (;;) {
        const step = await this.wait(iterator.next());
        ended = step.done === true;
        if (step.done) return;
        yield step.value;
      }
    } finally {
      // The loop was left early: tell the source, but do not wait for it if the cell was
      // interrupted.
      if (!ended) {
        const told = iterator.return?.();
        if (!this.interrupted) await told;
        else told?.catch(() => {});
      }
    }
  }
}

const isThenable = <T>(value: T | PromiseLike<T>): value is PromiseLike<T> =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  typeof (value as Partial<PromiseLike<T>>).then === 'function';

let current: RunningCell | undefined;
const byNumber = new Map<number, RunningCell>();

/** Makes a cell the running one. */
export function begin(cell: RunningCell): void {
  current = cell;
  byNumber.set(cell.number, cell);
}

/** Runs `go` as part of `cell`. */
export function within<T>(cell: RunningCell | undefined, go: () => T): T {
  const before = current;
  current = cell;
  try {
    return go();
  } finally {
    current = before;
  }
}

/** The cell that this code belongs to; if that is unknown, the last one started. */
export const currentCell = (): RunningCell | undefined => current;

/** The cell whose lines occur in a stack trace, if any. */
export function cellOf(stack: string): RunningCell | undefined {
  return byNumber.get(Number(/\bcell \[(\d+)\], line/.exec(stack)?.[1]));
}
