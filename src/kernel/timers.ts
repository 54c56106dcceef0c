/**
 * # Timers of cells
 *
 * A callback of a timer belongs to the cell that set it, and it can be ended like a cell: it runs
 * within an evaluation of the inspector, the border at which V8 stops unwinding. Beyond that border
 * Node would find itself in the middle of a timer that never returned, and abort; so the end is
 * thrown on as an error, which Node knows how to clean up after.
 *
 * Timers of an interrupted cell are not run any more, and it sets no new ones: a loop that catches
 * the interrupt would set thousands, and be ended while Node counts them.
 */
import { Session } from 'node:inspector';
import timers from 'node:timers';
import { currentCell, within } from './running';
import { Interrupted } from './shown-error';
import { stoppable, whole } from './signal';

type Callback = (...args: unknown[]) => unknown;

/** The timers themselves, which cells do not find. */
const originals = { ...timers };

let session: Session | undefined;

/** Makes timers that are set from now on, by cells or what they call, parts of their cell. */
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

/** Does the kernel's own work after some milliseconds. It, too, may be ended from outside. */
export function later(work: () => void, milliseconds: number): void {
  originals.setTimeout(() => bounded(work), milliseconds);
}

/** Settles after the events that wait now. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    originals.setImmediate(() => bounded(resolve));
  });
}

/**
 * Calls `work` so that its end from outside is an error here. Around `work` nothing may be ended:
 * Node 20 and 22 abort when they find a timer begun and never done.
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
