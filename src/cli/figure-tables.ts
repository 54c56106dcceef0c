/**
 * # `fisherlab experiment figure-tables`
 *
 * Writes the numbers that the notebooks draw the paper's figures from (`figure-tables.ts`). It
 * needs the official CIFAR-10, SVHN, CelebA, GTSRB and Tiny-ImageNet: `FISHERLAB_DATA`. About ten
 * minutes on two cores; a model whose files are there is left out, unless it is named.
 */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { inCheckout, startBackend } from '../backend/index';
import { FIGURE_TABLES, figureModels, writeFigureTables } from '../experiments/index';
import { disposeModel, loadModel } from '../models/index';
import { barForEachStep } from '../terminal/index';

/** Adds the command to `fisherlab experiment`. */
export function registerFigureTables(experiment: Command): void {
  experiment
    .command('figure-tables')
    .description(`log-likelihoods and norms of the first ${FIGURE_TABLES.images} images, to draw`)
    .option('--models <names>', 'which ones, separated by commas (default: all without tables)')
    .action(write);
}

async function write({ models }: { models?: string }): Promise<void> {
  await startBackend();
  const there = (name: string) =>
    existsSync(inCheckout('data', 'results', 'tables', `${name}-B1.parquet`));
  const names = models?.split(',') ?? figureModels().filter((name) => !there(name));
  for (const name of names) {
    const loaded = loadModel(name);
    const bar = barForEachStep();
    try {
      await writeFigureTables(loaded, (set, done, total) =>
        bar.step(`${name}: ${set}`, done, total),
      );
    } finally {
      bar.done();
      disposeModel(loaded.model);
    }
  }
}
