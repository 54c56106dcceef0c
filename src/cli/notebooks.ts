/**
 * # `fisherlab notebooks`
 *
 * Runs the notebooks as a reader would, cell by cell, and writes a page of each. Fails if any cell
 * of any notebook fails.
 */
import path from 'node:path';
import type { Command } from 'commander';
import { FisherlabError, inCheckout } from '../backend/index';
import type { NotebookRun, RunEvent, RunOptions } from '../notebook/index';
import { findNotebooks, publishNotebooks } from '../notebook/index';
import { duration, thisScreen } from '../terminal/index';

export function register(program: Command): void {
  program
    .command('notebooks')
    .description('run the notebooks, check every cell, write HTML to out/notebooks')
    .argument('[names...]', 'which ones, by name or a part of it (default: all)')
    .option('--write', 'store the outputs in notebooks/*.ipynb, as code hosts show them')
    .option('--quick', 'fewer images: sets FISHERLAB_QUICK=1 for the cells')
    .option('--timeout <seconds>', 'the longest that one cell may take', '600')
    .action(
      async (names: string[], options: { write?: boolean; quick?: boolean; timeout: string }) => {
        const timeout = Number(options.timeout);
        if (!(timeout > 0))
          throw new FisherlabError(
            `a timeout of '${options.timeout}' seconds makes no sense`,
            'give a number above 0',
          );
        const runs = await runNotebooks(names, {
          write: options.write ?? false,
          timeout,
          env: options.quick ? { FISHERLAB_QUICK: '1' } : {},
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
      },
    );
}

/**
 * Runs notebooks of the project and reports on the terminal: also the middle part of `npm start`.
 */
export async function runNotebooks(
  names: readonly string[],
  options: RunOptions & { write?: boolean },
): Promise<NotebookRun[]> {
  const files = findNotebooks(inCheckout('notebooks'), names);
  const screen = thisScreen();
  let shown = 0;
  let cellBegan = Date.now();
  const onEvent = (event: RunEvent) => {
    if (event.note === undefined && event.seconds === undefined) cellBegan = Date.now();
    // Where lines stay, one for each finished cell; on a terminal all that happens, ten times a
    // second.
    if (screen.kind === 'terminal' ? Date.now() - shown < 100 : event.seconds === undefined) return;
    shown = Date.now();
    screen.write(statusLine(event, (Date.now() - cellBegan) / 1000), false);
  };
  return publishNotebooks(files, {
    ...options,
    out: inCheckout('out', 'notebooks'),
    onEvent,
    onRun: (run, page) => {
      const time = duration([...run.seconds.values()].reduce((sum, seconds) => sum + seconds, 0));
      const where = path.relative(process.cwd(), page) || page;
      screen.write(
        run.problem === undefined
          ? `✓ ${run.name}: all cells hold, ${time}, ${where}`
          : `✗ ${run.problem}`,
        true,
      );
    },
  });
}

/**
 * What runs: the notebook, its cell, how long already, and what the cell says of itself (`progress`
 * adds the time left).
 */
function statusLine({ notebook, cell, cells, seconds, note }: RunEvent, inCell: number): string {
  const where = `${notebook} · cell ${cell + 1} of ${cells}`;
  return seconds === undefined
    ? `${where} · ${duration(inCell)}${note === undefined ? '' : ` · ${note}`}`
    : `${where} · done in ${duration(seconds)}`;
}
