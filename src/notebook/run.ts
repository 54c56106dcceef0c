/**
 * # Running a notebook without Jupyter
 *
 * The cells of a notebook go, one after the other, to tslab's own executor in a child process
 * (`kernel.js`) that works in the notebook's folder. What they show is collected as Jupyter would,
 * into a copy of the notebook. A run is good only if **every** cell ran to its end: an error, a
 * claim that is false, a promise rejected behind one's back, a cell that takes too long and a
 * kernel that dies each end it and name the cell.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import {
  type Cell,
  type DisplayOutput,
  type Ipynb,
  inLines,
  joined,
  type Output,
  readNotebook,
} from './ipynb';

/**
 * What a run reports while it goes on. `cell` counts code cells from 0; `cells` is how many there
 * are.
 */
export interface RunEvent {
  readonly notebook: string;
  readonly cell: number;
  readonly cells: number;
  /** Seconds that the cell took, once it is done. */
  readonly seconds?: number;
  /** What the cell last said of its own progress. */
  readonly note?: string;
}

export interface RunOptions {
  /** The longest that one cell may take, in seconds (600). */
  readonly timeout?: number;
  /**
   * Environment variables for the cells, beside those of this process: the parameters of notebooks.
   */
  readonly env?: Readonly<Record<string, string>>;
  readonly onEvent?: (event: RunEvent) => void;
}

export interface NotebookRun {
  /** File name without its ending. */
  readonly name: string;
  /** The notebook with its outputs: of all cells, or of those up to the failure. */
  readonly executed: Ipynb;
  /** Seconds of each code cell that ran, by its index in `executed.cells`. */
  readonly seconds: ReadonlyMap<number, number>;
  /**
   * Why the run failed, naming the cell and quoting the end of what it said; absent for a good run.
   */
  readonly problem?: string;
}

type Message =
  | { type: 'ready' }
  | { type: 'stream'; cell: number; name: 'stdout' | 'stderr'; text: string }
  | {
      type: 'display';
      cell: number;
      data: Record<string, string>;
      metadata: Record<string, unknown>;
      id?: string;
      update?: boolean;
    }
  | { type: 'done'; cell: number; ok: boolean; count: number }
  | { type: 'fault'; text: string };

/** How long after the last cell something may still go wrong, in milliseconds. */
const AFTERMATH = 3000;

/** Runs a notebook; failures of cells are in the result. Errors: a file that is no notebook. */
export async function runNotebook(file: string, options: RunOptions = {}): Promise<NotebookRun> {
  const name = path.basename(file, '.ipynb');
  const executed = cleared(readNotebook(file));
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

/** A copy without the outputs of earlier runs. */
function cleared(notebook: Ipynb): Ipynb {
  const cells = notebook.cells.map(
    (cell): Cell =>
      cell.cell_type === 'code' ? { ...cell, execution_count: null, outputs: [] } : { ...cell },
  );
  return { ...notebook, cells };
}

/** The child process, and the outputs that come from it. */
class Kernel {
  onNote: (note: string) => void = () => {};
  private readonly child: ChildProcess;
  private readonly displays = new Map<string, DisplayOutput>();
  /** What the process wrote past the cells: libraries' own messages, useful where it dies. */
  private stray = '';
  private fault: string | undefined;
  private exit: string | undefined;
  /** Called with each change that may end the current cell. */
  private wake: () => void = () => {};
  private last: { cell: number; ok: boolean } | undefined;

  constructor(
    folder: string,
    env: Readonly<Record<string, string>>,
    private readonly notebook: Ipynb,
  ) {
    const { FORCE_COLOR: _, ...inherited } = process.env; // stored outputs are plain text
    this.child = spawn(process.execPath, [path.join(__dirname, 'kernel.js')], {
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

  /** Runs one cell: undefined when it went well, else what went wrong. */
  async execute(cell: number, source: string, timeout: number): Promise<string | undefined> {
    this.last = undefined;
    if (this.exit === undefined) this.child.send({ cell, code: source });
    const inTime = await this.until(
      () => this.last?.cell === cell || this.exit !== undefined,
      timeout * 1000,
    );
    if (this.fault !== undefined) return this.fault;
    if (!inTime) return `it ran longer than ${timeout} s`;
    if (this.exit !== undefined) return [this.exit, this.stray.trim()].filter(Boolean).join(': ');
    return (this.last as { ok: boolean } | undefined)?.ok ? undefined : this.lastWords(cell);
  }

  /** Lets the process end by itself: undefined when nothing went wrong on the way. */
  async finish(): Promise<string | undefined> {
    if (this.exit === undefined) this.child.send('end');
    await this.until(() => this.exit !== undefined || this.fault !== undefined, AFTERMATH);
    return this.fault;
  }

  kill(): void {
    if (this.exit === undefined) this.child.kill('SIGKILL');
  }

  private ended(how: string): void {
    this.exit ??= how;
    this.wake();
  }

  /**
   * Waits for a condition: whether it came true in time. A condition is looked at after each
   * message.
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
    if (message.type === 'stream')
      this.write(message.cell, message.name, stripVTControlCharacters(message.text));
    else if (message.type === 'display') this.display(message);
    else if (message.type === 'done') {
      (this.notebook.cells[message.cell] as Cell).execution_count = message.count;
      this.last = { cell: message.cell, ok: message.ok };
    } else if (message.type === 'fault') this.fault ??= message.text;
    this.wake();
  }

  private outputs(cell: number): Output[] {
    return (this.notebook.cells[cell] as Cell).outputs as Output[];
  }

  /** Adds to a stream, joining what follows directly, as Jupyter does. */
  private write(cell: number, name: 'stdout' | 'stderr', text: string): void {
    const outputs = this.outputs(cell);
    const before = outputs[outputs.length - 1];
    if (before?.output_type === 'stream' && before.name === name)
      before.text = inLines(joined(before.text) + text);
    else outputs.push({ output_type: 'stream', name, text: inLines(text) });
  }

  private display({
    cell,
    data,
    metadata,
    id,
    update,
  }: Extract<Message, { type: 'display' }>): void {
    const note = data['text/plain'];
    if (note !== undefined) this.onNote(note);
    // Binary data stays one string; text is stored in lines.
    const lines = Object.fromEntries(
      Object.entries(data).map(([kind, text]) => [
        kind,
        /^image\/(?!svg)|pdf/.test(kind) ? text : inLines(text),
      ]),
    );
    const known = id === undefined ? undefined : this.displays.get(id);
    if (update && known !== undefined) {
      known.data = lines;
      return;
    }
    const output: DisplayOutput = { output_type: 'display_data', data: lines, metadata };
    this.outputs(cell).push(output);
    if (id !== undefined) this.displays.set(id, output);
  }

  /**
   * What a failed cell wrote last to stderr, where tslab writes the error: without the quoted
   * source above it and the stack below.
   */
  private lastWords(cell: number): string {
    const errors = this.outputs(cell).filter(
      (output) => output.output_type === 'stream' && output.name === 'stderr',
    );
    const last = errors[errors.length - 1];
    const text = last?.output_type === 'stream' ? joined(last.text).trim() : '';
    const quoted = /^(\[?)[^\n]*:\d+\n[^\n]*\n\s*\^+\n+/.exec(text);
    const message = text.slice(quoted?.[0].length ?? 0, quoted?.[1] === '[' ? -1 : undefined);
    return message.replace(/\n +at (?:.|\n)*$/, '').trim() || 'it did not run to its end';
  }
}
