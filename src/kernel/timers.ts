/**
 * # Timers of cells
 *
 * A callback of a timer belongs to the cell that set it, and it can be ended like a cell: it runs
 * within an evaluation of the inspector, the border at which V8 stops unwinding. Beyond that border
 * Node would find itself in the middle of a timer that never returned, and abort; so the end is
 * thrown on as an error, which Node knows how to clean up after. Timers of an interrupted cell are
 * not run any more.
 */
import { Session } from 'node:inspector';
import { Interrupted } from './errors';
import { currentCell, within } from './running';

type Callback = (...args: unknown[]) => unknown;

/** Makes timers that are set from now on, by cells or what they call, parts of their cell. */
export function keepTimersInside(): void {
  const session = new Session();
  session.connect();
  for (const name of ['setTimeout', 'setInterval', 'setImmediate'] as const) {
    const original = globalThis[name] as unknown as (
      callback: Callback,
      ...rest: unknown[]
    ) => object;
    const ours = (callback: Callback, ...rest: unknown[]) => {
      const cell = currentCell();
      if (typeof callback !== 'function' || cell === undefined) return original(callback, ...rest);
      return original(
        (...args) => {
          if (!cell.interrupted) within(cell, () => bounded(session, () => callback(...args)));
        },
        ...rest,
      );
    };
    // `promisify` and tfjs read the properties of the originals.
    Object.defineProperties(ours, Object.getOwnPropertyDescriptors(original));
    Object.defineProperty(globalThis, name, { value: ours, configurable: true, writable: true });
  }
}

/**
 * Calls `work` so that its end from outside is an error here.
 *
 * @throws {Interrupted} if the execution was ended
 */
function bounded(session: Session, work: () => void): void {
  const global = globalThis as { __fisherlabCall?: (() => void) | undefined };
  let thrown: { error: unknown } | undefined;
  let ended = false;
  const outer = global.__fisherlabCall;
  global.__fisherlabCall = () => {
    try {
      work();
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
