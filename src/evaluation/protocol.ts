/**
 * # The protocol
 *
 * The paper's: the in-distribution *test* set is cut in two by order, the first half (`round(n/2)`
 * batches) fits the detector, the second half is scored, and so is the whole of each other test
 * set. AUROC and its kin are of scores on the second half against scores on another set; **higher
 * score = more out of distribution**, so 1 is a perfect detector of the other set. Every detector,
 * likelihood and typicality too, sees the same halves.
 *
 * A cleaner protocol fits on images that were held out of training and scores the whole test set:
 * the same functions, with another {@link Split}.
 */
import { deriveSeed } from '../backend/index';
import { detector, type FeatureTable, type NamedTable, sliceRows } from '../detectors/index';
import type { Estimate } from '../numerics/index';
import { metricsWithIntervals } from './bootstrap';

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
  return scoreAll(inside.table, outside, methods, seed).flatMap((scores) =>
    rowsOfScores(scores, { model, in: inside.name, batchSize, seed: resamplingSeed(seed) }),
  );
}

/**
 * The seed of an experiment's bootstrap: the same for every method, so that they are compared on
 * the same draws.
 */
export function resamplingSeed(seed: number): number {
  return deriveSeed(seed, 5);
}

/** The rows of one method; `seed` is the bootstrap's. */
export function rowsOfScores(
  scores: MethodScores,
  { seed, ...about }: { model: string; in: string; batchSize: number; seed: number },
): ResultRow[] {
  return scores.out.map((out) => ({
    model: about.model,
    in: about.in,
    out: out.name,
    batchSize: about.batchSize,
    method: scores.method,
    ...metricsWithIntervals(scores.in, out.scores, { seed, inName: about.in, outName: out.name }),
    inCount: scores.in.length,
    outCount: out.scores.length,
  }));
}
