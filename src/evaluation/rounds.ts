/**
 * # A round of choosing, played to its end
 *
 * Candidates are compared on development pairs, one that was chosen there is reported on the reporting pairs (`trial.ts`), and a file keeps both, with what is met of the project's goal: mean AUROC up by 0.05, surely, and nowhere down by more than 0.01.
 * A round is data: its candidates, its pairs, its choice. Running it again gives the file again.
 */
import path from 'node:path';
import { makeFolder, writeBeside } from '../backend/write';
import type { PairSet } from './pairs';
import { type Candidate, compare, freeze, goal, type Report, report, type Trial, type TrialOptions } from './trial';

export interface Round {
  readonly candidates: readonly Candidate[];
  /** All that were ever tried on the development pairs, those given up before this list was made included. */
  readonly tried: number;
  /** The name of the candidate that was chosen on the development pairs. */
  readonly chosen: string;
  readonly development: readonly PairSet<'choosing'>[];
  readonly reporting: readonly PairSet<'reporting'>[];
  /** What is still missing, in words. */
  readonly missing: string;
  /** Where the result is kept. */
  readonly file: string;
}

export interface RoundResult {
  readonly images: number | 'all';
  readonly seed: number;
  readonly development: Omit<Trial, 'candidates'>;
  readonly reporting: Report;
  /** What is met of the goal, for each batch size, on these pairs. */
  readonly goal: Readonly<Record<string, ReturnType<typeof goal>>>;
  readonly missing: string;
}

/** Runs the whole and writes the result. `images` of each set; all where left out. Errors: as `compare`, `freeze` and `report`. */
export async function playRound(round: Round, options: TrialOptions = {}): Promise<RoundResult> {
  await makeFolder(path.dirname(round.file));
  const trial = await compare(round.candidates, { tried: round.tried, ...options }, round.development);
  const reporting = await report(freeze(trial, round.chosen), options, round.reporting);
  const { candidates: _, ...development } = trial;
  const result: RoundResult = {
    images: options.images ?? 'all',
    seed: options.seed ?? 1,
    development,
    reporting,
    goal: Object.fromEntries((options.batchSizes ?? [1, 5]).map((B) => [`B=${B}`, goal(reporting, round.chosen, B)])),
    missing: round.missing,
  };
  await writeBeside(round.file, `${JSON.stringify(result, null, 1)}\n`);
  return result;
}
