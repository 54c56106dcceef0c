/**
 * # V8, asked through its inspector
 *
 * A session of this thread with itself: evaluations, and the values that V8 speaks of by number.
 */
import { Session } from 'node:inspector';

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

  constructor() {
    this.session.connect();
  }

  /**
   * Runs a script in REPL mode: `await` stands at its top, and its `let` is seen by later ones.
   *
   * @param then is called when it has ended; never, if it is ended from outside after an `await`
   */
  runCell(expression: string, then: (ending: Ending) => void): void {
    this.evaluate(expression, true, then);
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
      ((error: Error | null, { result, exceptionDetails }: Evaluation) => {
        if (error !== null) then({ ended: true });
        else if (exceptionDetails === undefined) then({ value: this.valueOf(result) });
        else then({ thrown: this.valueOf(exceptionDetails.exception) });
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
