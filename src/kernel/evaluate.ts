/**
 * # Running cells
 *
 * V8's REPL mode evaluates a cell on the main thread: `await` at the top, and names that later
 * cells see and may declare again. The evaluation is started by this thread's *own* inspector
 * session, so that the other thread can end whatever runs here (`Runtime.terminateExecution`).
 *
 * An execution that was ended in that way leaves no trace: no `finally`, no rejected promise, tasks
 * that waited are gone. Therefore nothing here waits for the cell itself; messages drive it. When
 * the interrupt arrives as one, the cell is closed, however it ended.
 */
import { Session } from 'node:inspector';
import { setImmediate, setTimeout } from 'node:timers'; // not those that cells find
import { cellPlaces, type PreparedCell } from './cell';
import { Interrupted } from './errors';
import { loader } from './hook';
import { createHost, exportOf, type Host } from './host';
import type { Command, Event, ShownError } from './messages';
import { type Renewal, renewalLine, renewModules } from './modules';
import { begin, cellOf, currentCell, RunningCell } from './running';
import { alive, awaitEngine, collectGarbage, endScopes, tensorCount, tensorsOf } from './tensors';
import { keepTimersInside } from './timers';
import { shownValue } from './value';

/** What the inspector says of a value. */
interface RemoteObject {
  readonly objectId?: string;
  readonly value?: unknown;
  readonly unserializableValue?: string;
}

interface Evaluation {
  readonly result: RemoteObject;
  readonly exceptionDetails?: { readonly exception?: RemoteObject; readonly text: string };
}

/** Values of an earlier run whose names a cell declares again. */
interface Earlier {
  readonly name: string;
  readonly tensors: ReturnType<typeof tensorsOf>;
}

/** Milliseconds after which an interrupted cell is closed that has not closed itself. */
const GRACE = 30;

/** Runs cells, one after the other. */
export class Evaluator {
  private readonly session = new Session();
  private readonly host: Host;
  /** Settles when the kernel has cleaned up after an interrupt. */
  private ready = Promise.resolve();
  private readonly declared = new Set<string>();
  private running:
    | { readonly cell: RunningCell; closed: boolean; finish(error?: ShownError): void }
    | undefined;

  /**
   * @param folder the notebook's
   * @param post takes what cells show
   */
  constructor(
    folder: string,
    private readonly post: (event: Event) => void,
  ) {
    this.session.connect();
    this.host = createHost(folder, post);
    keepTimersInside();
    awaitEngine(() => currentCell()?.checkpoint());
    process.on('uncaughtException', (error) => this.fault(error));
    process.on('unhandledRejection', (reason) => this.fault(reason));
  }

  receive(command: Command): void {
    if (command.type === 'run')
      void this.ready.then(() => this.run(command.cell, command.number, command.prepared));
    else if (command.type === 'interrupt') this.interrupt(command.cell);
    else if (command.type === 'input') this.host.answer(command.text);
  }

  private run(key: string, number: number, prepared: PreparedCell): void {
    const { post } = this;
    const cell = new RunningCell(key, number);
    const running = {
      cell,
      closed: false,
      finish: (error?: ShownError) => {
        if (this.running !== running) return;
        this.running = undefined;
        post({ type: 'done', cell: key, ...(error === undefined ? {} : { error }) });
      },
    };
    this.running = running;
    const locate = cellPlaces(prepared);
    loader.places.set(prepared.script, (line, column) => {
      const place = locate(line, column);
      return place && `cell [${number}], line ${place.line}, column ${place.column}`;
    });
    begin(cell);
    this.renew();
    const earlier = this.release(prepared.declared);
    this.evaluate(prepared.code, (error, done) => {
      if (error !== null) {
        cell.interrupt();
        this.close(cell, earlier, { thrown: error });
      } else if (done.exceptionDetails === undefined) this.close(cell, earlier, {});
      else this.close(cell, earlier, { thrown: this.valueOf(done.exceptionDetails.exception) });
    });
    for (const name of prepared.declared) this.declared.add(name);
  }

  private evaluate(
    expression: string,
    callback: (error: Error | null, done: Evaluation) => void,
  ): void {
    const parameters = { expression, replMode: true, awaitPromise: true, objectGroup: 'cell' };
    this.session.post('Runtime.evaluate', parameters, callback as never);
  }

  /** The value itself that the inspector describes. */
  private valueOf(remote: RemoteObject | undefined): unknown {
    if (remote?.objectId === undefined) return remote?.unserializableValue ?? remote?.value;
    let value: unknown;
    const global = globalThis as { __fisherlabTake?: (given: unknown) => void };
    global.__fisherlabTake = (given) => {
      value = given;
    };
    const parameters = {
      functionDeclaration: '(value) => globalThis.__fisherlabTake(value)',
      arguments: [{ objectId: remote.objectId }],
      objectId: remote.objectId,
    };
    this.session.post('Runtime.callFunctionOn', parameters);
    delete global.__fisherlabTake;
    return value;
  }

  /** Loads anew what was edited, and gives its exports to the names that stand for them. */
  private renew(): void {
    const renewal = renewModules();
    const say = (name: 'stdout' | 'stderr', text: string) =>
      this.post({ type: 'stream', cell: currentCell()?.key ?? '', name, text: `${text}\n` });
    for (const line of renewal.broken) say('stderr', line);
    if (renewal.changed.length === 0) return;
    try {
      this.rebind(renewal);
      say('stdout', renewalLine(renewal));
    } catch (error) {
      renewal.restore();
      const { traceback } = this.host.shown(error);
      say('stderr', `${renewal.changed.join(', ')}: ${traceback.join('\n')}\nthe old module stays`);
    }
  }

  private rebind({ renewed }: Renewal): void {
    const values: Record<string, unknown> = {};
    for (const [local, { request, name }] of this.host.imported) {
      if (renewed.has(this.host.resolve(request)))
        values[local] = exportOf(this.host.load(request), name);
    }
    this.assign(values);
  }

  /** Gives values to names of cells. */
  private assign(values: Readonly<Record<string, unknown>>): void {
    const global = globalThis as { __fisherlabValues?: unknown };
    global.__fisherlabValues = values;
    const assignments = Object.keys(values).map(
      (name) => `try { ${name} = globalThis.__fisherlabValues.${name} } catch {}`,
    );
    // A name may have no value yet, where the cell that declares it failed.
    if (assignments.length > 0)
      this.session.post('Runtime.evaluate', { expression: assignments.join(';') });
    delete global.__fisherlabValues;
  }

  /**
   * Lets the values go whose names the cell declares again: V8 would keep them. In the cell itself
   * those names have no value before their declaration, so that it cannot miss them.
   */
  private release(declared: readonly string[]): Earlier[] {
    const again = declared.filter((name) => this.declared.has(name));
    if (again.length === 0) return [];
    const earlier = again.map((name) => ({ name, tensors: tensorsOf(this.lookUp(name)) }));
    for (const name of again) this.host.imported.delete(name);
    this.assign(Object.fromEntries(again.map((name) => [name, undefined])));
    this.session.post('Runtime.releaseObjectGroup', { objectGroup: 'cell' });
    return earlier.filter(({ tensors }) => tensors.length > 0);
  }

  private lookUp(name: string): unknown {
    let value: unknown;
    this.session.post(
      'Runtime.evaluate',
      { expression: name, objectGroup: 'cell', silent: true },
      ((error: Error | null, done: Evaluation) => {
        if (error === null && done.exceptionDetails === undefined)
          value = this.valueOf(done.result);
      }) as never,
    );
    return value;
  }

  /** Ends the cell that runs. Called again and again until it has ended. */
  private interrupt(key: string): void {
    const running = this.running;
    this.post({ type: 'heard', cell: key });
    if (running === undefined || running.cell.key !== key) return;
    const { cell, closed, finish } = running;
    cell.interrupt();
    // Where the execution was ended from outside, nobody else closes the cell; and closing it may
    // have been ended, too.
    if (closed) setTimeout(() => finish(this.host.shown(new Interrupted())), 10 * GRACE);
    else setTimeout(() => this.close(cell, [], { thrown: new Interrupted() }), GRACE);
  }

  /** What goes wrong behind a cell's back stands under it. */
  private fault(thrown: unknown): void {
    if (thrown instanceof Interrupted) return;
    const error = this.host.shown(thrown);
    const cell = cellOf(error.traceback.join('\n')) ?? currentCell();
    if (cell === undefined) return;
    cell.fault ??= error;
    this.post({ type: 'fault', cell: cell.key, error });
  }

  private close(cell: RunningCell, earlier: readonly Earlier[], end: { thrown?: unknown }): void {
    const running = this.running;
    if (running?.cell !== cell || running.closed) return;
    running.closed = true;
    this.session.post('Runtime.releaseObjectGroup', { objectGroup: 'cell' });
    const { finish } = running;
    if ('thrown' in end && !cell.interrupted) {
      finish(this.host.shown(end.thrown));
      return;
    }
    if (cell.interrupted) {
      endScopes();
      finish(this.host.shown(new Interrupted()));
      if (tensorCount() > 0) this.ready = collectGarbage();
      return;
    }
    void this.succeed(cell, earlier).then(finish, (error) => finish(this.host.shown(error)));
  }

  /** Shows the result, lets rejected promises be noticed, and says which tensors are kept. */
  private async succeed(
    cell: RunningCell,
    earlier: readonly Earlier[],
  ): Promise<ShownError | undefined> {
    const { result } = cell;
    cell.result = undefined;
    if (result !== undefined && result.value !== undefined)
      this.post({ type: 'result', cell: cell.key, ...(await shownValue(result.value)) });
    if (earlier.length > 0) await this.sayWhatIsKept(cell, earlier);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    return cell.fault;
  }

  private async sayWhatIsKept(cell: RunningCell, earlier: readonly Earlier[]): Promise<void> {
    if (earlier.every(({ tensors }) => alive(tensors) === 0)) return;
    await collectGarbage();
    for (const { name, tensors } of earlier) {
      const count = alive(tensors);
      const text = `the earlier ${name} is kept with ${count} ${count === 1 ? 'tensor' : 'tensors'}: something still refers to it\n`;
      if (count > 0) this.post({ type: 'stream', cell: cell.key, name: 'stdout', text });
    }
  }
}
