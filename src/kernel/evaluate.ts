/**
 * # Running cells
 *
 * V8's REPL mode evaluates a cell on the main thread. It allows `await` at the top level, and later
 * cells see the declared names and may declare them again. The evaluation is started by this
 * thread's *own* inspector session, so that the other thread can end it
 * (`Runtime.terminateExecution`).
 *
 * An execution ended in this way leaves no trace: no `finally` runs, no promise is rejected, and
 * waiting tasks are gone. Therefore nothing here waits for the cell itself; everything is driven by
 * messages. When the interrupt arrives as a message, the cell is closed, however it ended.
 */
import { cellPlaces } from './cell';
import { createHost, exportOf, type Host } from './cell-host';
import { loader } from './hook';
import { type Ending, Inspector } from './inspector';
import type { Answered, Command, Event, ShownError } from './messages';
import { type Renewal, renewalLine, renewModules } from './modules';
import { type Earlier, keptLines, Names } from './names';
import { begin, cellOf, currentCell, RunningCell } from './running';
import { Interrupted } from './shown-error';
import { nothingWithin, stopWanted } from './signal';
import { awaitEngine, collectGarbage, endScopes, tensorCount } from './tensors';
import { keepTimersInside, later, turn } from './timers';
import { shownValue } from './value';

/** Milliseconds after which an interrupted cell is closed, if it has not ended by itself. */
const GRACE = 30;

/** Milliseconds that the next cell waits for the garbage collector. */
const LONGEST = 2000;

/** How many new tensors make it worth looking for unreachable ones. */
const MANY = 100;

/** The running cell, and what to do when it ends. */
interface Running {
  readonly cell: RunningCell;
  /** Values of an earlier run, which should be gone by now. */
  earlier: readonly Earlier[];
  readonly expressions: Readonly<Record<string, string>>;
  closed: boolean;
  finish(error?: ShownError, answers?: Readonly<Record<string, Answered>>): void;
}

/** Runs cells one after another. */
export class Evaluator {
  private readonly inspector = new Inspector();
  private readonly names = new Names(this.inspector);
  private readonly host: Host;
  /** Settles when the kernel has cleaned up after an interrupt. */
  private ready = Promise.resolve();
  /** The number of tensors after the last clean-up. */
  private tensors = 0;
  private running: Running | undefined;

  /**
   * @param folder of the notebook
   * @param post receives what cells show
   */
  constructor(
    folder: string,
    private readonly post: (event: Event) => void,
  ) {
    this.host = createHost(folder, post);
    keepTimersInside();
    awaitEngine(() => {
      if (stopWanted()) this.running?.cell.interrupt();
      currentCell()?.checkpoint();
    });
    process.on('uncaughtException', (error) => this.fault(error));
    process.on('unhandledRejection', (reason) => this.fault(reason));
  }

  receive(command: Command): void {
    if (command.type === 'run') void this.ready.then(() => this.run(command));
    else if (command.type === 'interrupt') this.interrupt(command.cell);
    else if (command.type === 'input') this.host.answer(command.text);
  }

  private async run({
    cell: key,
    number,
    prepared,
    expressions,
  }: Command & { type: 'run' }): Promise<void> {
    const { post } = this;
    const cell = new RunningCell(key, number);
    const running: Running = {
      cell,
      expressions,
      earlier: [],
      closed: false,
      finish: (error, answers) => {
        if (this.running !== running) return;
        this.running = undefined;
        const more = answers === undefined ? {} : { expressions: answers };
        post({ type: 'done', cell: key, ...(error === undefined ? more : { error }) });
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
    for (const name of prepared.declared) this.host.imported.delete(name);
    running.earlier = this.names.declare(prepared.declared);
    // Free old values before the cell makes the same ones again.
    if (running.earlier.length > 0) await collectGarbage();
    if (!running.closed)
      this.inspector.runCell(prepared.code, (ending) => this.close(running, ending));
  }

  /** Reloads edited files and assigns their exports to the names that were imported. */
  private renew(): void {
    const renewal = renewModules();
    for (const line of renewal.broken) this.say('stderr', `${line}\n`);
    if (renewal.changed.length === 0) return;
    try {
      this.rebind(renewal);
      this.say('stdout', `${renewalLine(renewal)}\n`);
    } catch (error) {
      renewal.restore();
      const { traceback } = this.host.shown(error);
      const files = renewal.changed.join(', ');
      this.say('stderr', `${files}: ${traceback.join('\n')}\nthe old module stays\n`);
    }
  }

  private rebind({ renewed }: Renewal): void {
    const values: Record<string, unknown> = {};
    for (const [local, { request, name }] of this.host.imported) {
      if (renewed.has(this.host.resolve(request)))
        values[local] = exportOf(this.host.load(request), name);
    }
    this.names.assign(values);
  }

  private say(name: 'stdout' | 'stderr', text: string): void {
    this.post({ type: 'stream', cell: currentCell()?.key ?? '', name, text });
  }

  /** Interrupts the running cell. Called repeatedly until it has ended. */
  private interrupt(key: string): void {
    const { running } = this;
    this.post({ type: 'heard', cell: key });
    if (running === undefined || running.cell.key !== key) return;
    running.cell.interrupt();
    // If the execution was ended from outside, nothing else closes the cell, and a first attempt to
    // close it may have been ended too.
    if (running.closed) later(() => running.finish(this.interruption()), 10 * GRACE);
    else later(() => this.close(running, { ended: true }), GRACE);
  }

  private interruption(): ShownError {
    return this.host.shown(new Interrupted());
  }

  /** Shows an error that happened outside the cell's own execution below that cell. */
  private fault(thrown: unknown): void {
    if (thrown instanceof Interrupted) return;
    const error = this.host.shown(thrown);
    const cell = cellOf(error.traceback.join('\n')) ?? currentCell();
    if (cell === undefined) return;
    cell.fault ??= error;
    this.post({ type: 'fault', cell: cell.key, error });
  }

  private close(running: Running, ending: Ending): void {
    const { cell, finish } = running;
    if (this.running !== running || running.closed) return;
    running.closed = true;
    this.inspector.forget();
    if ('ended' in ending || cell.interrupted) {
      cell.interrupt();
      nothingWithin();
      endScopes();
      finish(this.interruption());
      this.cleanUp(0);
    } else if ('thrown' in ending) finish(this.host.shown(ending.thrown));
    else
      void this.succeed(running)
        .then(
          async (fault) => finish(fault, await this.answers(running)),
          (error) => finish(this.host.shown(error)),
        )
        .then(() => this.cleanUp(MANY));
  }

  /** Evaluates the expressions that were sent with the cell. */
  private async answers({ expressions }: Running): Promise<Record<string, Answered>> {
    const answers: Record<string, Answered> = {};
    for (const [name, expression] of Object.entries(expressions))
      answers[name] = await this.answerTo(expression);
    this.inspector.forget();
    return answers;
  }

  private async answerTo(expression: string): Promise<Answered> {
    const ending = this.inspector.runNow(expression);
    if ('value' in ending) return { status: 'ok', ...(await shownValue(ending.value)) };
    const { name, message, traceback } =
      'thrown' in ending ? this.host.shown(ending.thrown) : this.interruption();
    return { status: 'error', ename: name, evalue: message, traceback };
  }

  /** Frees unreachable tensors if there are at least `more` new ones since the last time. */
  private cleanUp(more: number): void {
    if (tensorCount() <= (more === 0 ? 0 : this.tensors + more)) return;
    this.ready = new Promise((resolve) => {
      void collectGarbage().then(() => {
        this.tensors = tensorCount();
        resolve();
      });
      // An interrupt may have ended the collection itself.
      later(resolve, LONGEST);
    });
  }

  /** Shows the result, lets unhandled rejections surface, and reports which tensors are kept. */
  private async succeed({ cell, earlier }: Running): Promise<ShownError | undefined> {
    const { result } = cell;
    cell.result = undefined;
    if (result !== undefined && result.value !== undefined)
      this.post({ type: 'result', cell: cell.key, ...(await shownValue(result.value)) });
    const kept = keptLines(earlier);
    if (kept !== '') this.say('stdout', kept);
    await turn();
    await turn();
    return cell.fault;
  }
}
