/**
 * # V8, asked through its inspector
 *
 * A session of this thread with itself: evaluations, and the values that V8 speaks of by number.
 */
import { Session } from 'node:inspector';
import { promiseHooks } from 'node:v8';

/** What the inspector says of a value. */
interface RemoteObject {
  readonly objectId?: string;
  readonly value?: unknown;
  readonly unserializableValue?: string;
}

interface Evaluation {
  readonly result: RemoteObject;
  readonly exceptionDetails?: { readonly exception?: RemoteObject };
}

/** How a script ended: with what it threw, ended from outside, or well. */
export type Ending = { thrown: unknown } | { ended: true } | { value: unknown };

const GROUP = 'fisherlab';

export class Inspector {
  private readonly session = new Session();
  /**
   * Promises of scripts that have not settled, and never will where they were ended after an
   * `await`. Were one collected, V8 would call back from within the garbage collector, where
   * nothing may run: Node 22 aborts there.
   */
  private readonly unsettled = new Set<unknown>();

  constructor() {
    this.session.connect();
  }

  /**
   * Runs a script in REPL mode: `await` stands at its top, and its `let` is seen by later ones.
   *
   * @param then is called when it has ended; never, if it is ended from outside after an `await`
   */
  runCell(expression: string, then: (ending: Ending) => void): void {
    let promise: unknown;
    const stop = promiseHooks.onInit((first: unknown) => {
      promise ??= first; // that of the script itself is made before its first line runs
      stop();
    });
    let settled = false;
    this.evaluate(expression, true, (ending) => {
      settled = true;
      this.unsettled.delete(promise);
      then(ending);
    });
    stop();
    if (!settled) this.unsettled.add(promise);
  }

  /** Runs a script without `await`, in which names of cells can be read and assigned. */
  runNow(expression: string): Ending {
    let ending: Ending = { ended: true };
    this.evaluate(expression, false, (one) => {
      ending = one;
    });
    return ending;
  }

  /** Lets go of all values that it has spoken of. */
  forget(): void {
    this.session.post('Runtime.releaseObjectGroup', { objectGroup: GROUP });
  }

  private evaluate(expression: string, repl: boolean, then: (ending: Ending) => void): void {
    this.session.post(
      'Runtime.evaluate',
      { expression, replMode: repl, awaitPromise: repl, objectGroup: GROUP, silent: true },
      ((error: Error | null, done?: Evaluation) => {
        if (error !== null || done === undefined) then({ ended: true });
        else if (done.exceptionDetails === undefined) then({ value: this.valueOf(done.result) });
        else then({ thrown: this.valueOf(done.exceptionDetails.exception) });
      }) as never,
    );
  }

  /** The value itself. */
  private valueOf(remote: RemoteObject | undefined): unknown {
    if (remote?.objectId === undefined) return remote?.unserializableValue ?? remote?.value;
    let value: unknown;
    const global = globalThis as { __fisherlabTake?: (given: unknown) => void };
    global.__fisherlabTake = (given) => {
      value = given;
    };
    this.session.post('Runtime.callFunctionOn', {
      functionDeclaration: '(value) => globalThis.__fisherlabTake(value)',
      arguments: [{ objectId: remote.objectId }],
      objectId: remote.objectId,
    });
    delete global.__fisherlabTake;
    return value;
  }
}
