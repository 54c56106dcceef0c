/**
 * # `fisherlab combinations`: which combination beats the paper's?
 *
 *     fisherlab combinations flow        features and combinations of layers, for one grey flow
 *     fisherlab combinations families    combinations with typicality, for all shipped models
 *
 * All candidates of a round on its development pairs, the one that was chosen there on its
 * reporting pairs. Numbers go to `data/results`, and the look at the reporting pairs into the
 * record of looks. Features are kept (`out/cache`): a run that was stopped goes on where it was.
 */
import path from 'node:path';
import { Argument, type Command } from 'commander';
import { startBackend } from '../backend/index';
import type { TrialMean, TrialRow } from '../experiments/index';
import {
  FEATURE_COMBINATIONS,
  familyCombinations,
  playRound,
  type Round,
} from '../experiments/index';
import { barForEachStep, tableText } from '../terminal/index';
import { wholeNumber } from './options';

export function register(program: Command): void {
  program
    .command('combinations')
    .description(
      'which combination of features and detectors beats the paper’s: choose, then report',
    )
    .addArgument(new Argument('<round>', 'the pairs that are asked').choices(Object.keys(ROUNDS)))
    .option('--images <n>', 'images of each set (default: as many as in the file that is shipped)')
    .option('--seed <n>', 'seed of noise and bootstrap', '1')
    .action(combinationsCommand);
}

/** Rounds of choosing and reporting, by name. */
const ROUNDS = { flow: () => FEATURE_COMBINATIONS, families: familyCombinations };

async function combinationsCommand(
  name: keyof typeof ROUNDS,
  flags: { images?: string; seed: string },
): Promise<void> {
  await startBackend();
  await play(ROUNDS[name](), flags);
}

/** Plays a round and prints what came out. */
export async function play(round: Round, flags: { images?: string; seed: string }): Promise<void> {
  const bar = barForEachStep();
  const result = await playRound(round, {
    seed: wholeNumber('--seed', flags.seed, 0),
    progress: (set, done, total) => bar.step(`features of ${set}`, done, total),
    ...(flags.images === undefined ? {} : { images: wholeNumber('--images', flags.images) }),
  });
  bar.done();
  console.log(`${tableText(result.development.means.map(meanRow))}\n`);
  console.log(`reported: ${round.chosen}`);
  console.log(
    tableText(
      result.reporting.rows.map((row) => ({ pair: `${row.model} → ${row.out}`, ...meanRow(row) })),
    ),
  );
  console.log(
    `${tableText(result.reporting.means.map(meanRow))}\nnumbers: ${path.relative(process.cwd(), round.file)}`,
  );
}

function meanRow({
  candidate,
  batchSize,
  auroc,
  paper,
  value,
  low,
  high,
  verdict,
}: TrialRow | TrialMean): Record<string, string> {
  const margin = `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
  return {
    candidate,
    B: String(batchSize),
    AUROC: auroc.toFixed(3),
    'the paper’s': paper.toFixed(3),
    margin,
    verdict,
  };
}
