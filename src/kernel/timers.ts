/**
 * # Timers of cells
 *
 * The callback of a timer belongs to the cell that set it, and it can be ended like a cell. It runs
 * inside an evaluation of the inspector, because there V8 stops unwinding when the execution is
 * ended. Without that, Node would be left in the middle of a timer that never returned, and would
 * abort. The end is then thrown as an error, which Node can handle.
 *
 * Timers of an interrupted cell do not run any more, and it sets no new ones: a loop that catches
 * the interrupt would set thousands of them, and V8 would end the execution while Node counts them.
 */
import { Session } from 'node:inspector';
import timers from 'node:timers';
import { currentCell, within } from './running';
import { Interrupted } from './shown-error';
import { stoppable, whole } from './signal';

type Callback = (...args: unknown[]) => unknown;

/** Node's original timers, which cells do not see. */
const originals = { ...timers };

let session: Session | undefined;

/** From now on, timers set by cells or the code they call belong to their cell. */
export function keepTimersInside(): void {
  for (const name of ['setTimeout', 'setInterval', 'setImmediate'] as const) {
    const original = originals[name] as unknown as (
      callback: Callback,
      ...rest: unknown[]
    ) => object;
    const none = original(() => {}, 0);
    originals.clearTimeout(none as never);
    originals.clearImmediate(none as never);
    const ours = (callback: Callback, ...rest: unknown[]) => {
      const cell = currentCell();
      if (typeof callback !== 'function' || cell === undefined) return original(callback, ...rest);
      if (cell.interrupted) return none;
      return original(
        (...args) => {
          if (!cell.interrupted) within(cell, () => bounded(() => callback(...args)));
        },
        ...rest,
      );
    };
    // `promisify` and tfjs read the properties of the originals.
    Object.defineProperties(ours, Object.getOwnPropertyDescriptors(original));
    Object.defineProperty(globalThis, name, { value: ours, configurable: true, writable: true });
  }
}

/** Runs work of the kernel after some milliseconds. It may be ended from outside too. */
export function later(work: () => void, milliseconds: number): void {
  originals.setTimeout(() => bounded(work), milliseconds);
}

/** Settles after all currently waiting events. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    originals.setImmediate(() => bounded(resolve));
  });
}

/**
 * Calls `work`, and throws an error if it is ended from outside. The code around `work` must not
 * be ended: Node 20 and 22 abort if a timer has begun and is never done.
 *
 * @throws {Interrupted} if the execution was ended
 */
const bounded = (work: () => void): void => whole(() => evaluated(work));

function evaluated(work: () => void): void {
  if (session === undefined) {
    session = new Session();
    session.connect();
  }
  const global = globalThis as { __fisherlabCall?: (() => void) | undefined };
  let thrown: { error: unknown } | undefined;
  let ended = false;
  const outer = global.__fisherlabCall;
  global.__fisherlabCall = () => {
    try {
      stoppable(work);
    } catch (error) {
      thrown = { error };
    }
  };
  session.post('Runtime.evaluate', { expression: '__fisherlabCall()', silent: true }, (error) => {
    ended = error !== null;
  });
  global.__fisherlabCall = outer;
  if (ended) throw new Interrupted();
  if (thrown !== undefined) throw thrown.error;
}
