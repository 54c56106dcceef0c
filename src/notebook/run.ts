/**
 * # Running a notebook without Jupyter
 *
 * The cells of a notebook are sent, one after another, to the kernel's executor in a child process
 * (`src/kernel/headless.ts`) whose working directory is the notebook's folder. Their outputs are
 * collected into a copy of the notebook, as Jupyter would do. A run succeeds only if **every** cell
 * ran to its end. An error, a false claim, an unhandled rejection, a cell that takes too long or a
 * kernel that dies ends the run, and the cell is named.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import {
  type Event,
  HEADLESS,
  type HeadlessRequest,
  KERNELSPEC,
  LANGUAGE_INFO,
  type ShownError,
} from '../kernel/index';
import { Collected } from './collect';
import { withAnswers } from './folded-answers';
import { type Cell, type Ipynb, joined, readNotebook } from './ipynb';

/**
 * What a run reports while it is running. `cell` counts code cells from 0; `cells` is their number.
 */
export interface RunEvent {
  readonly notebook: string;
  readonly cell: number;
  readonly cells: number;
  /** Seconds that the cell took, once it is done. */
  readonly seconds?: number;
  /** The last progress message of the cell. */
  readonly note?: string;
}

export interface RunOptions {
  /** The longest that one cell may take, in seconds (600). */
  readonly timeout?: number;
  /**
   * Environment variables for the cells, in addition to those of this process. They are the
   * parameters of notebooks.
   */
  readonly env?: Readonly<Record<string, string>>;
  readonly onEvent?: (event: RunEvent) => void;
  /** Runs the code of folded answers after the last cell, as a test does. */
  readonly answers?: boolean;
}

export interface NotebookRun {
  /** File name without its ending. */
  readonly name: string;
  /** The notebook with its outputs: of all cells, or of those up to the failure. */
  readonly executed: Ipynb;
  /** Seconds of each code cell that ran, by its index in `executed.cells`. */
  readonly seconds: ReadonlyMap<number, number>;
  /** Why the run failed, with the cell and the end of its message; absent for a successful run. */
  readonly problem?: string;
}

type Message = Event | { type: 'ready' };

/** How long to wait for late errors after the last cell, in milliseconds. */
const AFTERMATH = 3000;

/**
 * Runs a notebook; failures of cells are in the result.
 * @throws {FisherlabError} if the file is not a notebook
 */
export async function runNotebook(file: string, options: RunOptions = {}): Promise<NotebookRun> {
  const name = path.basename(file, '.ipynb');
  const notebook = readNotebook(file);
  const executed = cleared(options.answers ? withAnswers(notebook) : notebook);
  const code = executed.cells
    .map((cell, index) => ({ cell, index }))
    .filter(({ cell }) => cell.cell_type === 'code' && joined(cell.source).trim() !== '');
  const kernel = new Kernel(path.dirname(path.resolve(file)), options.env ?? {}, executed);
  const seconds = new Map<number, number>();
  const event = (cell: number, more: Partial<RunEvent>) =>
    options.onEvent?.({ notebook: name, cell, cells: code.length, ...more });
  let problem: string | undefined;
  try {
    for (const [position, { cell, index }] of code.entries()) {
      event(position, {});
      const started = process.hrtime.bigint();
      kernel.onNote = (note) => event(position, { note });
      const trouble = await kernel.execute(index, joined(cell.source), options.timeout ?? 600);
      const taken = Number(process.hrtime.bigint() - started) / 1e9;
      seconds.set(index, taken);
      if (trouble !== undefined) {
        const rest = code.length - position - 1;
        problem = `code cell ${position + 1} of ${code.length} of notebook '${name}' failed: ${trouble}${rest > 0 ? ` (${rest} more did not run)` : ''}`;
        break;
      }
      event(position, { seconds: taken });
    }
    const late = problem === undefined ? await kernel.finish() : undefined;
    if (late !== undefined) problem = `notebook '${name}' failed after its last cell: ${late}`;
  } finally {
    kernel.kill();
  }
  return problem === undefined ? { name, executed, seconds } : { name, executed, seconds, problem };
}

/** A copy without outputs of earlier runs, with this kernel in its metadata. */
function cleared(notebook: Ipynb): Ipynb {
  const cells = notebook.cells.map(
    (cell): Cell =>
      cell.cell_type === 'code' ? { ...cell, execution_count: null, outputs: [] } : { ...cell },
  );
  const metadata = { ...notebook.metadata, kernelspec: KERNELSPEC, language_info: LANGUAGE_INFO };
  return { ...notebook, cells, metadata };
}

/** The child process, and the outputs that come from it. */
class Kernel {
  onNote: (note: string) => void = () => {};
  private readonly child: ChildProcess;
  private readonly collected = new Collected();
  /** What the process wrote outside of cells, such as messages of libraries; useful if it dies. */
  private stray = '';
  private fault: ShownError | undefined;
  private exit: string | undefined;
  /** Called with each change that may end the current cell. */
  private wake: () => void = () => {};
  private count = 0;
  private last: { readonly cell: string; readonly error: ShownError | undefined } | undefined;

  constructor(
    folder: string,
    env: Readonly<Record<string, string>>,
    private readonly notebook: Ipynb,
  ) {
    const { FORCE_COLOR: _, ...inherited } = process.env; // stored outputs are plain text
    this.child = spawn(process.execPath, [HEADLESS], {
      cwd: folder,
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        this.stray = (this.stray + bytes.toString()).slice(-2000);
      });
    }
    this.child.on('message', (message: Message) => this.receive(message));
    this.child.on('error', (error) =>
      this.ended(`its process cannot be started: ${error.message}`),
    );
    this.child.on('exit', (status, signal) =>
      this.ended(
        status === 0
          ? 'its process ended'
          : `its process ended with ${signal ?? `status ${status}`}`,
      ),
    );
  }

  /** Runs one cell. Returns undefined if it succeeded, otherwise what went wrong. */
  async execute(index: number, source: string, timeout: number): Promise<string | undefined> {
    const key = String(index);
    const cell = this.notebook.cells[index] as Cell;
    this.last = undefined;
    this.count++;
    cell.execution_count = this.count;
    this.send({ cell: key, code: source });
    const inTime = await this.until(
      () => this.last?.cell === key || this.exit !== undefined,
      timeout * 1000,
    );
    cell.outputs = this.collected.of(key);
    if (this.fault !== undefined) return behind(this.fault);
    if (!inTime) return `it ran longer than ${timeout} s`;
    if (this.exit !== undefined) return [this.exit, this.stray.trim()].filter(Boolean).join(': ');
    const { error } = this.last as unknown as { error: ShownError | undefined };
    return error && sentence(error);
  }

  /** Lets the process end by itself. Returns undefined if nothing went wrong. */
  async finish(): Promise<string | undefined> {
    this.send('end');
    await this.until(() => this.exit !== undefined || this.fault !== undefined, AFTERMATH);
    for (const [index, cell] of this.notebook.cells.entries()) {
      if (cell.cell_type === 'code') cell.outputs = this.collected.of(String(index));
    }
    return this.fault && behind(this.fault);
  }

  kill(): void {
    if (this.exit === undefined) this.child.kill('SIGKILL');
  }

  private send(request: HeadlessRequest): void {
    if (this.exit === undefined) this.child.send(request);
  }

  private ended(how: string): void {
    this.exit ??= how;
    this.wake();
  }

  /**
   * Waits for a condition, which is checked after each message. Returns whether it became true in
   * time.
   */
  private until(condition: () => boolean, milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(condition()), milliseconds);
      this.wake = () => {
        if (!condition()) return;
        clearTimeout(timer);
        resolve(true);
      };
      this.wake();
    });
  }

  private receive(message: Message): void {
    if (message.type === 'fault') this.fault ??= message.error;
    // A fault that ended its cell has been shown already.
    const shown = message.type === 'done' && this.fault !== undefined;
    if (message.type !== 'ready' && !shown) this.collected.take(message, this.count);
    if (message.type === 'done') this.last = { cell: message.cell, error: message.error };
    if (message.type === 'display' && message.data['text/plain'] !== undefined)
      this.onNote(message.data['text/plain']);
    this.wake();
  }
}

/** The message of an error, without the stack trace. */
const sentence = ({ traceback }: ShownError): string =>
  stripVTControlCharacters(traceback[0] ?? 'it did not run to its end');

const behind = (error: ShownError): string =>
  `something failed that no cell waited for: ${sentence(error)}`;
