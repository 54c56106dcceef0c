/**
 * # The protocol
 *
 * The paper's (alg:protocol): the in-distribution *test* set is cut in two by order, the first half
 * (`round(n/2)` batches) fits the detector, the second half is scored, and so is the whole of each
 * other test set. AUROC and its kin are of scores on the second half against scores on another set;
 * **higher score = more out of distribution**, so 1 is a perfect detector of the other set. Every
 * detector, likelihood and typicality too, sees the same halves.
 *
 * A cleaner protocol fits on images that were held out of training and scores the whole test set:
 * the same functions, with another {@link Split}.
 */

import { detector, type FeatureTable, type NamedTable, sliceRows } from '../detectors/index';
import type { Estimate } from '../numerics/index';
import { deriveSeed } from '../numerics/index';
import { estimates, type Resampled, resampledMetrics } from './bootstrap';

/** One number of a table of results. */
export interface ResultRow {
  readonly model: string;
  readonly in: string;
  readonly out: string;
  readonly batchSize: number;
  readonly method: string;
  readonly auroc: Estimate;
  readonly aupr: Estimate;
  readonly fpr95: Estimate;
  readonly inCount: number;
  readonly outCount: number;
}

/** In-distribution batches: those that fit a detector, and those that are scored. */
export interface Split {
  readonly fit: FeatureTable;
  readonly score: FeatureTable;
}

/** The two halves of an in-distribution table: what fits, and what is scored. */
export function halves(table: FeatureTable): Split {
  const middle = Math.round(table.rows / 2);
  return { fit: sliceRows(table, 0, middle), score: sliceRows(table, middle, table.rows) };
}

/**
 * Scores of one method on the in-distribution batches it was not fitted on and on each other set.
 */
export interface MethodScores {
  readonly method: string;
  readonly in: Float64Array;
  readonly out: readonly { readonly name: string; readonly scores: Float64Array }[];
}

/** Fits every method on the first half of `inside` and scores the rest and all of `outside`. */
export function scoreAll(
  inside: FeatureTable,
  outside: readonly NamedTable[],
  methods: readonly string[],
  seed: number,
): MethodScores[] {
  const split = halves(inside);
  return methods.map((method) => scoreSplit(split, outside, method, seed));
}

/** Fits one method and scores. */
export function scoreSplit(
  { fit, score }: Split,
  outside: readonly NamedTable[],
  method: string,
  seed: number,
): MethodScores {
  const fitted = detector(method, seed).fit(fit);
  return {
    method,
    in: fitted.score(score),
    out: outside.map(({ name, table }) => ({ name, scores: fitted.score(table) })),
  };
}

/** The rows of a table of results: every method on every other set. */
export function resultRows(
  model: string,
  inside: NamedTable,
  outside: readonly NamedTable[],
  methods: readonly string[],
  seed: number,
): ResultRow[] {
  const { batchSize } = inside.table;
  const about = { model, in: inside.name, batchSize, seed: resamplingSeed(seed) };
  return rowsOfScores(scoreAll(inside.table, outside, methods, seed), about);
}

/**
 * The seed of an experiment's bootstrap: the same for every method, so that they are compared on
 * the same draws.
 */
export function resamplingSeed(seed: number): number {
  return deriveSeed(seed, 5);
}

/** What scores are of; `seed` is the bootstrap's. */
export interface About {
  readonly model: string;
  readonly in: string;
  readonly batchSize: number;
  readonly seed: number;
}

/** The rows of several methods on the same batches. */
export function rowsOfScores(scored: readonly MethodScores[], about: About): ResultRow[] {
  return rowsOfResampled(scored, resampledScores(scored, about), about);
}

/** The metrics of each method on each other set with their resamples, `[method][set]`. */
export function resampledScores(
  scored: readonly MethodScores[],
  { in: inName, seed }: Pick<About, 'in' | 'seed'>,
): Resampled[][] {
  const outs = scored[0]?.out ?? [];
  const bySet = outs.map(({ name: outName }, s) =>
    resampledMetrics(
      scored.map((scores) => ({ in: scores.in, out: scores.out[s]?.scores as Float64Array })),
      { seed, inName, outName },
    ),
  );
  return scored.map((_, m) => bySet.map((ofSet) => ofSet[m] as Resampled));
}

/** The rows of methods whose scores have been resampled, `[method][set]`. */
export function rowsOfResampled(
  scored: readonly MethodScores[],
  resampled: readonly (readonly Resampled[])[],
  { model, in: inside, batchSize }: About,
): ResultRow[] {
  return scored.flatMap((scores, m) =>
    scores.out.map((out, s) => ({
      model,
      in: inside,
      out: out.name,
      batchSize,
      method: scores.method,
      ...estimates(resampled[m]?.[s] as Resampled),
      inCount: scores.in.length,
      outCount: out.scores.length,
    })),
  );
}
