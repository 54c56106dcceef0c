/**
 * # `fisherlab combinations`: which combination beats the paper's?
 *
 *     fisherlab combinations flow        features and combinations of layers, for one grey flow
 *     fisherlab combinations families    combinations with typicality, for all shipped models
 *     fisherlab combinations single      one detector for all of them, with nothing to tune
 *
 * All candidates of a round on its development pairs, the one that was chosen there on its
 * reporting pairs. Numbers go to `data/results`, and the look at the reporting pairs into the
 * record of looks. Features are kept (`out/cache`): a run that was stopped goes on where it was.
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
    .addArgument(new Argument('<round>', 'the pairs that are asked').choices(ROUNDS))
    .option(
      '--images <n>',
      'images of each set (default: as many as in the file that is shipped)',
      wholeNumber(),
    )
    .option('--seed <n>', 'seed of noise and bootstrap', wholeNumber(0), 1)
    .action((name: (typeof ROUNDS)[number], flags: Flags) =>
      stoppable('stopped; features are kept: the same command goes on where it was', (signal) =>
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
