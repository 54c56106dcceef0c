/**
 * # A fair trial: from an idea to a verdict
 *
 * An idea is a *candidate*: the features it looks at and the detector that turns them into a score.
 * Ten lines suffice:
 *
 *     const largest = defineFeature({
 *       name: 'largest',
 *       ofLayer: (x, dy) => tf.max(tf.abs(tf.matMul(x, dy, true)), [1, 2]),
 *     });
 *     const mine: Candidate = {
 *       name: 'largest entries, 5 nearest neighbours',
 *       features: [largest],
 *       detector: () => combine([log('largest')], nearestNeighbours(5)),
 *     };
 *     const trial = await compare([mine]);
 *
 * **Choosing.** `compare` runs candidates and the paper's detector on the development pairs
 * (`pairs.ts`) with the same batches, the same noise and the same halves, and reports how much
 * better or worse each candidate is. Differences come from a paired bootstrap, with p-values
 * corrected for the number of candidates (`evaluation/compare.ts`). `tried` also counts the
 * candidates of earlier trials.
 *
 * **Reporting.** One candidate of a trial is frozen and compared on the reporting pairs:
 * `report(freeze(trial, name))`. `report` does not accept two candidates, or one that was not in a
 * trial. Each look is recorded in a file among the results. p-values are corrected for the number
 * of candidates in that file, so a second choice makes the test stricter.
 */

import type { NamedTable } from '../detectors/index';
import { FisherlabError } from '../errors';
import type { Scores } from '../evaluation/index';
import { compareScores, halves, type ScoredPair } from '../evaluation/index';
import { REFERENCE, type TrialTableOptions } from '../features/index';
import { disposeModel, loadModel } from '../models/index';
import { deriveSeed, mean } from '../numerics/index';
import { type Candidate, noiseOf, PAPER, tablesByNoise } from './candidates';
import { type Look, recordLook } from './looks';
import {
  assertPurpose,
  DEVELOPMENT_PAIRS,
  type PairSet,
  type Purpose,
  REPORTING_PAIRS,
} from './pairs';
import { LOOKS } from './results-file';
import type { Outcome, TrialMean, TrialRow } from './trial-outcome';

export interface TrialOptions extends Partial<Omit<TrialTableOptions, 'noiseIndices'>> {
  /**
   * How many candidates there were in total, including those of earlier trials; by default the
   * number given.
   */
  readonly tried?: number;
  /** What candidates are compared with; by default the paper's detector. */
  readonly against?: Candidate;
  /** Resamples of the bootstrap; 1000 by default. */
  readonly resamples?: number;
  /** Stops the work before the next model. */
  readonly signal?: AbortSignal;
}

export interface Trial extends Outcome {
  readonly candidates: readonly Candidate[];
}

/**
 * Compares candidates with the paper's detector on the development pairs.
 * @param pairs may be your own, as long as they are for choosing
 * @throws {FisherlabError} if pairs are for reporting, if two candidates have the same name, or for
 *   the reasons of `trialTables` and the detectors
 */
export async function compare(
  candidates: readonly Candidate[],
  options: TrialOptions = {},
  pairs: readonly PairSet<'choosing'>[] = DEVELOPMENT_PAIRS,
): Promise<Trial> {
  assertPurpose(pairs, 'choosing');
  return { ...(await run(candidates, pairs, options)), candidates };
}

/** A candidate that was chosen. Only `freeze` can make one. */
class Frozen {
  constructor(
    readonly candidate: Candidate,
    /** How many candidates it was chosen from. */
    readonly chosenFrom: number,
    /** Its mean margins on the development pairs. */
    readonly chosenFor: readonly TrialMean[],
  ) {
    Object.freeze(this);
  }
}

export type { Frozen };

/**
 * Chooses the candidate of a trial to report.
 * @throws {FisherlabError} if no candidate has that name
 */
export function freeze(trial: Trial, name: string): Frozen {
  const candidate = trial.candidates.find((one) => one.name === name);
  if (candidate === undefined)
    throw new FisherlabError(
      `no candidate '${name}' was in the trial`,
      `choose one of ${trial.candidates.map((one) => one.name).join(', ')}`,
    );
  return new Frozen(
    candidate,
    trial.tried,
    trial.means.filter((mean) => mean.candidate === name),
  );
}

export interface Report extends Outcome {
  readonly candidate: string;
  readonly chosenFrom: number;
  /** All candidates reported so far, including this one. */
  readonly looks: readonly Look[];
}

/**
 * Compares one frozen candidate with the paper's detector on the reporting pairs, and records the
 * look. Reporting the same candidate again does not count as another look, even if there are new
 * models; their pairs are added to the first look.
 * @throws {FisherlabError} if `winner` is not a frozen candidate, a pair is for choosing, or the
 *   record is damaged
 */
export async function report(
  winner: Frozen,
  options: Omit<TrialOptions, 'tried'> & { readonly looks?: string } = {},
  pairs: readonly PairSet<'reporting'>[] = REPORTING_PAIRS,
): Promise<Report> {
  if (!(winner instanceof Frozen))
    throw new FisherlabError(
      'only one frozen candidate can be reported',
      "choose it first: report(freeze(trial, 'its name'))",
    );
  assertPurpose(pairs, 'reporting');
  const file = options.looks ?? LOOKS;
  const { name } = winner.candidate;
  const seen = pairs.flatMap(({ model, in: inside, out }) =>
    out.map((outside) => `${model}: ${inside} → ${outside}`),
  );
  const looks = await recordLook(file, name, winner.chosenFrom, seen);
  const outcome = await run([winner.candidate], pairs, { ...options, tried: looks.length });
  return { ...outcome, candidate: name, chosenFrom: winner.chosenFrom, looks };
}

async function run(
  candidates: readonly Candidate[],
  pairs: readonly PairSet<Purpose>[],
  {
    seed = 1,
    batchSizes = [1, 5],
    reference = REFERENCE,
    tried,
    against = PAPER,
    resamples = 1000,
    ...rest
  }: TrialOptions,
): Promise<Outcome> {
  const names = candidates.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new FisherlabError(`two candidates are called '${twice}'`, 'give each a name of its own');
  const all = [against, ...candidates];
  const scored = new Map<number, ScoredPair[]>(batchSizes.map((B) => [B, []]));
  const models: Record<string, string> = {};
  for (const set of pairs) {
    rest.signal?.throwIfAborted();
    const loaded = loadModel(set.model);
    models[loaded.name] = loaded.checksum;
    try {
      const byNoise = await tablesByNoise(loaded, set, all, {
        ...rest,
        batchSizes,
        seed,
        reference,
      });
      for (const b of batchSizes.keys()) {
        const tablesFor = (candidate: Candidate) =>
          (byNoise.get(noiseOf(candidate, loaded)) as NamedTable[][])[b] as [
            NamedTable,
            ...NamedTable[],
          ];
        const [inside, ...outside] = tablesFor(against);
        const scores = all.map((candidate) => {
          const [own, ...others] = tablesFor(candidate);
          const { fit, score } = halves(own.table);
          const detector = candidate.detector(deriveSeed(seed, 3)).fit(fit);
          return {
            in: detector.score(score),
            out: others.map(({ table }) => detector.score(table)),
          };
        });
        outside.forEach(({ name }, s) => {
          const ofPair = scores.map(
            (one): Scores => ({ in: one.in, out: one.out[s] as Float64Array }),
          );
          scored.get(inside.table.batchSize)?.push({
            model: loaded.name,
            in: inside.name,
            out: name,
            reference: ofPair[0] as Scores,
            candidates: Object.fromEntries(
              names.map((candidate, c) => [candidate, ofPair[c + 1] as Scores]),
            ),
          });
        });
      }
    } finally {
      disposeModel(loaded.model);
    }
  }
  const found = batchSizes.flatMap((batchSize) => {
    const comparisons = compareScores(scored.get(batchSize) ?? [], {
      seed: deriveSeed(seed, 5),
      resamples,
      ...(tried === undefined ? {} : { tried }),
    });
    return comparisons.map((comparison) => ({
      rows: comparison.pairs.map(
        ({ candidate: auroc, reference: paper, model = '', ...margin }): TrialRow => ({
          ...margin,
          candidate: comparison.candidate,
          batchSize,
          model,
          auroc,
          paper,
        }),
      ),
      mean: {
        ...comparison.mean,
        candidate: comparison.candidate,
        batchSize,
        auroc: mean(comparison.pairs.map(({ candidate }) => candidate)),
        paper: mean(comparison.pairs.map(({ reference: paper }) => paper)),
        worst: Math.min(...comparison.pairs.map(({ value }) => value)),
      } satisfies TrialMean,
    }));
  });
  return {
    rows: found.flatMap(({ rows }) => rows),
    means: batchSizes.flatMap((B) =>
      found
        .map(({ mean }) => mean)
        .filter(({ batchSize }) => batchSize === B)
        .sort((a, b) => b.value - a.value),
    ),
    tried: tried ?? names.length,
    models,
  };
}
