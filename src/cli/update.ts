/**
 * # `fisherlab update`: all that follows from the shipped models
 *
 * Weights that arrive in `data/models` change tables, model cards, the round of all families and
 * two pages. Two commands bring everything up to date:
 *
 *     fisherlab update                     what is missing or of other weights, and nothing else
 *     fisherlab notebooks --write 04 05    then the notebooks that read it
 *
 * The slow part, a model's gradient norms, can be shared by processes beforehand, each with other
 * models:
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
    .argument('[models...]', 'only the tables of these, for several processes side by side')
    .action((models: string[]) =>
      stoppable(
        'stopped; what was finished is kept: the same command goes on where it was',
        (signal) => update(models, signal),
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
      ? 'the tables are there; when those of all models are: fisherlab update'
      : 'now the notebooks that read these numbers: fisherlab notebooks --write 04 05',
  );
}
