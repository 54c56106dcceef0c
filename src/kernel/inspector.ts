/**
 * # Using V8 through its inspector
 *
 * A session of this thread with itself, for evaluating scripts and for the values that V8 refers to
 * by number.
 */
import { Session } from 'node:inspector';
import { promiseHooks } from 'node:v8';

/** The inspector's description of a value. */
interface RemoteObject {
  readonly objectId?: string;
  readonly value?: unknown;
  readonly unserializableValue?: string;
}

interface Evaluation {
  readonly result: RemoteObject;
  readonly exceptionDetails?: { readonly exception?: RemoteObject };
}

/** How a script ended: with an error, ended from outside, or with a value. */
export type Ending = { thrown: unknown } | { ended: true } | { value: unknown };

const GROUP = 'fisherlab';

export class Inspector {
  private readonly session = new Session();
  /**
   * Promises of scripts that have not settled; they never will if the script was ended after an
   * `await`. If such a promise were garbage-collected, V8 would call back from within the garbage
   * collector, where no code may run, and Node 22 would abort.
   */
  private readonly unsettled = new Set<unknown>();

  constructor() {
    this.session.connect();
  }

  /**
   * Runs a script in REPL mode, with `await` at the top level and declarations that later scripts
   * see.
   *
   * @param then is called when the script has ended, but never if it is ended from outside after an
   *   `await`
   */
  runCell(expression: string, then: (ending: Ending) => void): void {
    let promise: unknown;
    const stop = promiseHooks.onInit((first: unknown) => {
      promise ??= first; // the script's own promise is made before its first line runs
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

  /** Releases all values that the inspector has referred to. */
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
