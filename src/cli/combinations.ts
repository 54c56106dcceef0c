/**
 * # `fisherlab combinations`: which combination beats the paper's?
 *
 *     fisherlab combinations flow        features and combinations of layers, for one grey flow
 *     fisherlab combinations families    combinations with typicality, for all shipped models
 *     fisherlab combinations single      one detector for all of them, with nothing to tune
 *
 * Compares all candidates of a round on its development pairs, chooses one, and reports it on the
 * reporting pairs. The numbers go to `data/results`. Each look at the reporting pairs is recorded.
 * Features are kept in `out/cache`, so a run that was stopped resumes where it was.
 */
import { Argument, type Command } from 'commander';
import { stoppable } from './interruption';
import { lab } from './lab';
import { wholeNumber } from './options';
import { printRound } from './print';

const ROUNDS = ['flow', 'families', 'single'] as const;

interface Flags {
  images?: number;
  seed: number;
}

/** Adds `combinations` to the program. */
export function register(program: Command): void {
  program
    .command('combinations')
    .description(
      'which combination of features and detectors beats the paper’s: choose, then report',
    )
    .addArgument(new Argument('<round>', 'the round to play').choices(ROUNDS))
    .option(
      '--images <n>',
      'images of each set (default: as many as in the shipped results)',
      wholeNumber(),
    )
    .option('--seed <n>', 'seed of the noise and the bootstrap', wholeNumber(0), 1)
    .action((name: (typeof ROUNDS)[number], flags: Flags) =>
      stoppable('stopped; features are kept: run the same command again to resume', (signal) =>
        combinations(name, flags, signal),
      ),
    );
}

async function combinations(
  name: (typeof ROUNDS)[number],
  { images, seed }: Flags,
  signal: AbortSignal,
): Promise<void> {
  const { experiments, startBackend, terminal } = lab();
  await startBackend();
  const rounds = {
    flow: () => experiments.FEATURE_COMBINATIONS,
    families: experiments.familyCombinations,
    single: experiments.singleDetector,
  };
  const round = rounds[name]();
  const bar = terminal.barForEachStep();
  const result = await experiments
    .playRound(round, {
      seed,
      signal,
      progress: (set, done, total) => bar.step(`features of ${set}`, done, total),
      ...(images === undefined ? {} : { images }),
    })
    .finally(bar.done);
  printRound(round, result);
}
