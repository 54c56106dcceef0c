/**
 * # `fisherlab update`: everything that depends on the shipped models
 *
 * New weights in `data/models` change tables, model cards, the round of all families and two pages.
 * Two commands bring everything up to date:
 *
 *     fisherlab update                     only what is missing or made from other weights
 *     fisherlab notebooks --write 04 05    then the notebooks that use it
 *
 * The slow part is the gradient norms of each model. Several processes can compute them beforehand,
 * each for different models:
 *
 *     fisherlab update glow-celeba & fisherlab update diffusion-gtsrb & wait
 */
import type { Command } from 'commander';
import { stoppable } from './interruption';
import { lab } from './lab';
import { printCards, printModel, printRound, printSummary } from './print';

/** Adds `update` to the program. */
export function register(program: Command): void {
  program
    .command('update')
    .description('bring tables, model cards, rounds and READMEs up to date with the shipped models')
    .argument(
      '[models...]',
      'compute only the tables of these models, so that several processes can share the work',
    )
    .action((models: string[]) =>
      stoppable('stopped; finished work is kept: run the same command again to resume', (signal) =>
        update(models, signal),
      ),
    );
}

async function update(models: readonly string[], signal: AbortSignal): Promise<void> {
  const { experiments, startBackend, terminal } = lab();
  await startBackend();
  const bar = terminal.barForEachStep();
  await experiments
    .bringUpToDate(models, {
      signal,
      progress: bar.step,
      tables: ({ protocol, limit }, count) =>
        console.log(`${count} models, protocol ${protocol}, ${limit ?? 'all'} images of each set`),
      begins: (model, k, count) => console.log(`model ${k + 1} of ${count}: ${model}`),
      finished: (results) => {
        bar.done();
        printModel(results);
      },
      cards: (cards) => {
        bar.done();
        printCards(cards);
      },
      summary: printSummary,
      round: (round, result) => {
        bar.done();
        printRound(round, result);
      },
    })
    .finally(bar.done);
  console.log(
    models.length > 0
      ? 'the tables are done; when those of all models are, run: fisherlab update'
      : 'now run the notebooks that use these numbers: fisherlab notebooks --write 04 05',
  );
}
