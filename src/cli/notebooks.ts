/**
 * # `fisherlab notebooks`
 *
 * Runs the notebooks cell by cell, as a reader would, and writes an HTML page for each. Fails if
 * any cell fails.
 */
import type { Command } from 'commander';
import type { notebook } from '../index';
import { stoppableAnywhere } from './interruption';
import { lab } from './lab';
import { positiveNumber } from './options';
import { shown } from './print';

/** Adds `notebooks` to the program. */
export function register(program: Command): void {
  program
    .command('notebooks')
    .description('run the notebooks, check every cell, write HTML to out/notebooks')
    .argument('[names...]', 'notebooks to run, by name or part of it (default: all)')
    .option('--write', 'store the outputs in notebooks/*.ipynb, where code hosts show them')
    .option('--quick', 'fewer images: sets FISHERLAB_QUICK=1 for the cells')
    .option('--timeout <seconds>', 'time limit for one cell', positiveNumber(), 600)
    .action(notebooks);
}

interface Flags {
  write?: boolean;
  quick?: boolean;
  timeout: number;
}

async function notebooks(names: string[], { write = false, quick, timeout }: Flags): Promise<void> {
  const { FisherlabError } = lab();
  const runs = await runNotebooks(names, {
    write,
    timeout,
    env: quick ? { FISHERLAB_QUICK: '1' } : {},
  });
  if (runs.length === 0)
    throw new FisherlabError('there are no notebooks', 'add one to the folder notebooks');
  const failed = runs.filter((run) => run.problem !== undefined).map((run) => run.name);
  if (failed.length > 0) {
    throw new FisherlabError(
      `${failed.length} of ${runs.length} notebooks failed: ${failed.join(', ')}`,
      'see the messages above',
    );
  }
}

/**
 * Runs notebooks of the project and reports on the terminal. Also the second part of `npm start`.
 */
export async function runNotebooks(
  names: readonly string[],
  options: notebook.RunOptions & { write?: boolean },
): Promise<notebook.NotebookRun[]> {
  const { backend, notebook, terminal } = lab();
  const files = notebook.findNotebooks(backend.inCheckout('notebooks'), names);
  const screen = terminal.thisScreen();
  let written = 0;
  let cellBegan = Date.now();
  const onEvent = (event: notebook.RunEvent) => {
    if (event.note === undefined && event.seconds === undefined) cellBegan = Date.now();
    // In a file or a log, one line per finished cell; on a terminal, a status line that is updated
    // ten times a second.
    if (screen.kind === 'terminal' ? Date.now() - written < 100 : event.seconds === undefined)
      return;
    written = Date.now();
    screen.write(statusLine(event, (Date.now() - cellBegan) / 1000), false);
  };
  const onRun = (run: notebook.NotebookRun, page: string) => {
    const seconds = [...run.seconds.values()].reduce((sum, one) => sum + one, 0);
    screen.write(
      run.problem === undefined
        ? `✓ ${run.name}: all cells hold, ${terminal.duration(seconds)}, ${shown(page)}`
        : `✗ ${run.problem}`,
      true,
    );
  };
  const out = backend.inCheckout('out', 'notebooks');
  return stoppableAnywhere('stopped; finished notebooks have their pages', () =>
    notebook.publishNotebooks(files, { ...options, out, onEvent, onRun }),
  );
}

/**
 * What is running: the notebook, the cell, the time so far, and the progress that the cell reports
 * (`progress` adds the time left).
 */
function statusLine(
  { notebook, cell, cells, seconds, note }: notebook.RunEvent,
  inCell: number,
): string {
  const { duration } = lab().terminal;
  const where = `${notebook} · cell ${cell + 1} of ${cells}`;
  return seconds === undefined
    ? `${where} · ${duration(inCell)}${note === undefined ? '' : ` · ${note}`}`
    : `${where} · done in ${duration(seconds)}`;
}
