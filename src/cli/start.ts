/**
 * # `npm start`: the method, on real images, from a fresh clone
 *
 * A Glow trained on Fashion-MNIST (its weights come with the project) is given five test sets of
 * 28x28 grey images. Its likelihood is higher for some of the other sets than for its own; the
 * layer-wise gradient norms tell them apart. First a table is computed, printed and written to
 * `out/results.json`. Then the notebooks that explain it are run.
 */
import type { Command } from 'commander';
import type { evaluation } from '../index';
import { stoppable } from './interruption';
import { lab } from './lab';
import { runNotebooks } from './notebooks';
import { shown, withInterval } from './print';

/** The notebooks that explain the first experiment; `npm run notebooks` runs all of them. */
const NOTEBOOKS = ['01-likelihood-failure', '04-layerwise-detection'];

/** Adds `start` to the program. */
export function register(program: Command): void {
  program
    .command('start')
    .description('run the first experiment, print the table, run the notebooks that explain it')
    .option('--quick', 'fewer images: two minutes')
    .action(async ({ quick = false }: { quick?: boolean }) => {
      if (quick) process.env.FISHERLAB_QUICK = '1'; // for the processes of the notebooks
      await stoppable('stopped; features are kept: run npm start again to resume', firstTable);
      await story();
    });
}

async function firstTable(signal: AbortSignal): Promise<void> {
  const { experiments, startBackend, terminal } = lab();
  const backend = await startBackend();
  const bar = terminal.barForEachStep();
  const rows = await experiments
    .runFirstExperiment(backend.name, {
      signal,
      progress: (set, done, total) => bar.step(`gradient norms of ${set}`, done, total),
      begins: (data) => {
        bar.done();
        console.log(data.source);
      },
    })
    .finally(bar.done);
  console.log(`\n${terminal.tableText(wideRows(rows))}\n`);
  console.log(
    'AUROC as a detector of the other set, with its 95 % interval: 1 is perfect, 0.5 chance, below 0.5 the other set looks *more* familiar.',
  );
  console.log(`numbers: ${shown(experiments.LAST_START)}`);
}

async function story(): Promise<void> {
  const { FisherlabError, backend } = lab();
  const runs = await runNotebooks(NOTEBOOKS, {});
  console.log(`pages and figures: ${shown(backend.inCheckout('out', 'notebooks'))}`);
  const failed = runs.filter((run) => run.problem !== undefined);
  if (failed.length > 0)
    throw new FisherlabError(
      `${failed.length} of ${runs.length} notebooks failed`,
      'see the messages above',
    );
}

/** One row per pair and batch size and one column per method, as in the paper's tables. */
export function wideRows(rows: readonly evaluation.ResultRow[]): Record<string, string | number>[] {
  const lines = new Map<string, Record<string, string | number>>();
  for (const { model, in: inside, out, batchSize, method, auroc } of rows) {
    const key = `${model} ${inside} ${out} ${batchSize}`;
    const line = lines.get(key) ?? { model, in: inside, out, B: batchSize };
    line[method] = withInterval(auroc);
    lines.set(key, line);
  }
  return [...lines.values()];
}
