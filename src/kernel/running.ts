/**
 * # The cell that runs
 *
 * Everything that a cell starts belongs to it: what a timer of cell 3 prints while cell 5 runs
 * stands under cell 3. An interrupt reaches a cell through four things: its `AbortSignal`, its
 * waits (every `await` that stands in a cell), its timers, and the next tensor operation.
 *
 * Node's own `AsyncLocalStorage` would follow every promise, but must not be used: where an
 * execution is ended from outside, Node 20 and 22 find their stack of asynchronous contexts out of
 * order and abort the process. So the cell is passed on by hand, where timers and waits go on.
 */

import type { ShownError } from './messages';
import { Interrupted } from './shown-error';

/** What is known of a cell from its start on. */
export class RunningCell {
  readonly controller = new AbortController();
  /** How to end each wait that goes on now. */
  private readonly waits = new Set<(reason: Interrupted) => void>();
  private reason: Interrupted | undefined;
  /** The value of its last expression. */
  result: { readonly value: unknown } | undefined;
  /** The first thing that went wrong behind its back. */
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

  /** What `await` waits for in a cell: the value, or the interrupt. */
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
   * Settles a wait; what follows it runs in the next microtask, as a part of this cell. The one
   * after it is a promise's: Node keeps a context for those of `queueMicrotask`, and aborts where
   * one is ended from outside.
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

  /** What `for await` goes through in a cell: each step may be ended by the interrupt. */
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
      // Left early: the source is told, and not waited for where the cell was interrupted.
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

/** Makes a cell the one that runs. */
export function begin(cell: RunningCell): void {
  current = cell;
  byNumber.set(cell.number, cell);
}

/** Runs `go` as a part of `cell`. */
export function within<T>(cell: RunningCell | undefined, go: () => T): T {
  const before = current;
  current = cell;
  try {
    return go();
  } finally {
    current = before;
  }
}

/** The cell that this code belongs to; where that cannot be told, the one that was started last. */
export const currentCell = (): RunningCell | undefined => current;

/** The cell whose lines a stack names, if it names any. */
export function cellOf(stack: string): RunningCell | undefined {
  return byNumber.get(Number(/\bcell \[(\d+)\], line/.exec(stack)?.[1]));
}
