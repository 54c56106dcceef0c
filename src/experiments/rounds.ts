/**
 * # A round of choosing, played to its end
 *
 * A *round* compares candidates on development pairs and reports the one chosen there on the
 * reporting pairs (`trial.ts`). A file keeps both results, and says which parts of the project's
 * goal are met: the mean AUROC rises by 0.05, its interval is above 0, and no pair falls by more
 * than 0.01. A round is plain data: its candidates, its pairs and its choice. Running it again
 * gives the same file, unless models were added or changed; then the file is out of date
 * (`isPlayed`).
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { makeFolder, writeBeside } from '../backend/index';
import { REFERENCE } from '../features/index';
import type { LoadedModel } from '../models/index';
import { type Candidate, PAPER, tablesByNoise } from './candidates';
import type { PairSet, Purpose } from './pairs';
import { readResultsFile } from './results-file';
import { ROUND } from './results-schemas';
import { compare, freeze, type Report, report, type Trial, type TrialOptions } from './trial';
import { goal } from './trial-outcome';

export interface Round extends Pick<TrialOptions, 'ownImages' | 'reference' | 'order' | 'against'> {
  readonly candidates: readonly Candidate[];
  /** Images of each set. */
  readonly images: number;
  /**
   * How many candidates were ever tried on the development pairs, including those given up before
   * this list was made.
   */
  readonly tried: number;
  /** The name of the candidate that was chosen on the development pairs. */
  readonly chosen: string;
  readonly development: readonly PairSet<'choosing'>[];
  readonly reporting: readonly PairSet<'reporting'>[];
  /** What is still missing, in words. */
  readonly missing: string;
  /** The file of the result. */
  readonly file: string;
}

export interface RoundResult {
  readonly images: number;
  readonly seed: number;
  readonly development: Omit<Trial, 'candidates'>;
  readonly reporting: Report;
  /** Which parts of the goal are met on these pairs, for each batch size. */
  readonly goal: Readonly<Record<string, ReturnType<typeof goal>>>;
  readonly missing: string;
}

/** The default number of images, batch sizes and seed of a round. */
function optionsOf(
  { ownImages, reference, order, against, ...round }: Round,
  options: TrialOptions,
) {
  return {
    ...(ownImages === undefined ? {} : { ownImages }),
    ...(reference === undefined ? {} : { reference }),
    ...(order === undefined ? {} : { order }),
    ...(against === undefined ? {} : { against }),
    ...options,
    images: options.images ?? round.images,
    batchSizes: options.batchSizes ?? [1, 5],
    seed: options.seed ?? 1,
  };
}

/**
 * Runs a whole round and writes the result.
 * @throws {FisherlabError} as `compare`, `freeze` and `report` do
 */
export async function playRound(
  round: Round,
  given: TrialOptions & { readonly looks?: string } = {},
): Promise<RoundResult> {
  const options = optionsOf(round, given);
  await makeFolder(path.dirname(round.file));
  const trial = await compare(
    round.candidates,
    { tried: round.tried, ...options },
    round.development,
  );
  const reporting = await report(freeze(trial, round.chosen), options, round.reporting);
  const { candidates: _, ...development } = trial;
  const result: RoundResult = {
    images: options.images,
    seed: options.seed,
    development,
    reporting,
    goal: Object.fromEntries(
      options.batchSizes.map((B) => [`B=${B}`, goal(reporting, round.chosen, B)]),
    ),
    missing: round.missing,
  };
  await writeBeside(round.file, `${JSON.stringify(result, null, 1)}\n`);
  return result;
}

const pairsOf = ({ development, reporting }: Round): readonly PairSet<Purpose>[] => [
  ...development,
  ...reporting,
];

/** Names of the models in a round. */
export function modelsOf(round: Round): string[] {
  return [...new Set(pairsOf(round).map(({ model }) => model))];
}

/**
 * Computes and keeps the features of one model for a round. This is the slow part, which several
 * processes can share. No scores are computed.
 */
export async function keepTables(
  round: Round,
  loaded: LoadedModel,
  given: TrialOptions = {},
): Promise<void> {
  const { reference = REFERENCE, against = PAPER, ...options } = optionsOf(round, given);
  for (const pairs of pairsOf(round).filter(({ model }) => model === loaded.name)) {
    given.signal?.throwIfAborted();
    await tablesByNoise(loaded, pairs, [against, ...round.candidates], { ...options, reference });
  }
}

/**
 * Whether a round's file has these candidates, this choice and these weights (checksums by name of
 * model).
 * @throws {FisherlabError} if the file is damaged
 */
export function isPlayed(round: Round, checksums: Readonly<Record<string, string>>): boolean {
  if (!existsSync(round.file)) return false;
  const { images, development, reporting } = readResultsFile(round.file, ROUND, 'fisherlab update');
  const same = (names: Iterable<string>, wanted: Iterable<string>) =>
    [...new Set(names)].sort().join() === [...new Set(wanted)].sort().join();
  const weights = { ...development.models, ...reporting.models };
  return (
    images === round.images &&
    reporting.candidate === round.chosen &&
    same(
      development.means.map(({ candidate }) => candidate),
      round.candidates.map(({ name }) => name),
    ) &&
    same(Object.keys(weights), modelsOf(round)) &&
    Object.entries(weights).every(([model, checksum]) => checksums[model] === checksum)
  );
}
