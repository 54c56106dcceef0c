/**
 * # `npm start`: the method, on real images, from a fresh clone
 *
 * A Glow that was trained on Fashion-MNIST (its weights come with the project) looks at five test
 * sets of 28x28 grey images. Its likelihood prefers some of the strangers; the layer-wise gradient
 * norms tell them apart. Then the notebooks that explain it are executed, and the table is printed
 * and written to `out/results.json`.
 */
import path from 'node:path';
import type { Command } from 'commander';
import { FisherlabError, inCheckout, startBackend, writeBeside } from '../backend/index';
import type { ResultRow } from '../evaluation/index';
import {
  experimentRows,
  FIRST_EXPERIMENT,
  firstExperiment,
  MAIN_METHODS,
  resultsFile,
} from '../experiments/index';
import { type Progress, progress, tableText } from '../terminal/index';
import { runNotebooks } from './notebooks';

const OUT = inCheckout('out');

/** The notebooks that tell the story of the first experiment; `npm run notebooks` runs all. */
const NOTEBOOKS = ['01-likelihood-failure', '04-layerwise-detection'];

export function register(program: Command): void {
  program
    .command('start')
    .description('run the first experiment and the notebooks, print the table')
    .option('--quick', 'fewer images: two minutes')
    .action(start);
}

async function start({ quick = false }: { quick?: boolean }): Promise<void> {
  const began = Date.now();
  const backend = await startBackend();
  if (quick) process.env.FISHERLAB_QUICK = '1'; // the notebooks run in processes of their own
  const { loaded, tables } = await firstExperiment(barForEachSet(), (data) =>
    console.log(data.source),
  );
  const rows = experimentRows(loaded, tables, MAIN_METHODS, FIRST_EXPERIMENT.seed);
  const runs = await runNotebooks(NOTEBOOKS, {});
  console.log(`\n${tableText(wideRows(rows))}\n`);
  console.log(
    'AUROC as a detector of the other set, with its 95 % interval: 1 is perfect, 0.5 chance, below 0.5 the other set looks *more* familiar.',
  );
  const seconds = Math.round((Date.now() - began) / 100) / 10;
  await writeBeside(
    path.join(OUT, 'results.json'),
    `${JSON.stringify(resultsFile(backend.name, seconds, rows), null, 1)}\n`,
  );
  console.log(
    `pages and figures: ${show(path.join(OUT, 'notebooks'))}   numbers: ${show(path.join(OUT, 'results.json'))}`,
  );
  const failed = runs.filter((run) => run.problem !== undefined);
  if (failed.length > 0)
    throw new FisherlabError(
      `${failed.length} of ${runs.length} notebooks failed`,
      'see the messages above',
    );
}

const show = (file: string) => path.relative(process.cwd(), file);

/** A progress bar for each set that is not in the cache. */
function barForEachSet(): (set: string, images: number, total: number) => void {
  let current: { set: string; images: number; bar: Progress } | undefined;
  return (set, images, total) => {
    if (current?.set !== set)
      current = { set, images: 0, bar: progress(`gradient norms of ${set}`, total) };
    current.bar.tick(images - current.images);
    current.images = images;
    if (images === total) current.bar.done();
  };
}

/** One line a pair and batch size, one column a method, as the paper's tables. */
export function wideRows(rows: readonly ResultRow[]): Record<string, string | number>[] {
  const lines = new Map<string, Record<string, string | number>>();
  for (const { model, in: inside, out, batchSize, method, auroc } of rows) {
    const key = `${model} ${inside} ${out} ${batchSize}`;
    const line = lines.get(key) ?? { model, in: inside, out, B: batchSize };
    line[method] = `${auroc.value.toFixed(3)} [${auroc.low.toFixed(3)}, ${auroc.high.toFixed(3)}]`;
    lines.set(key, line);
  }
  return [...lines.values()];
}
