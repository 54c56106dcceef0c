/**
 * # The outcome of a trial
 *
 * Rows hold one candidate on one pair of sets, means hold it over all pairs. A *margin* is
 * AUROC(candidate) − AUROC(the detector it is compared with), with its paired interval. `goal` asks
 * whether the margins reach what the project set out for, `marginBars` draws them.
 */

import { FisherlabError } from '../errors';
import type { Margin } from '../evaluation/index';

/**
 * One candidate on one pair, at one batch size: `value` is AUROC(candidate) − AUROC(the paper's),
 * with its interval.
 */
export interface TrialRow extends Margin {
  readonly candidate: string;
  readonly batchSize: number;
  readonly model: string;
  readonly in: string;
  readonly out: string;
  readonly auroc: number;
  readonly paper: number;
}

/** One candidate at one batch size, averaged over all pairs. */
export interface TrialMean extends Margin {
  readonly candidate: string;
  readonly batchSize: number;
  readonly auroc: number;
  readonly paper: number;
  /** The smallest margin of any pair. */
  readonly worst: number;
}

export interface Outcome {
  readonly rows: readonly TrialRow[];
  /** Best first, batch size by batch size. */
  readonly means: readonly TrialMean[];
  /** The number of candidates that p-values were corrected for. */
  readonly tried: number;
  /** Checksums of the models used, by name. */
  readonly models: Readonly<Record<string, string>>;
}

/** Whether a pair's AUROC falls by more than 0.01. */
export const isLower = ({ value }: { readonly value: number }) => value < -0.01;

/** Which parts of the project's goal an outcome meets at one batch size. */
export function goal({ rows, means }: Outcome, candidate: string, batchSize: number) {
  const mean = means.find((one) => one.candidate === candidate && one.batchSize === batchSize);
  if (mean === undefined)
    throw new FisherlabError(
      `'${candidate}' has no result at B = ${batchSize}`,
      'choose one that was compared',
    );
  const below = rows.filter(
    (row) => row.candidate === candidate && row.batchSize === batchSize && isLower(row),
  );
  return {
    gain: mean.value >= 0.05,
    surelyAbove: mean.low > 0,
    nowhereBelow: below.length === 0,
    reached: mean.value >= 0.05 && mean.low > 0 && below.length === 0,
  };
}

/**
 * Rows as groups of bars, for `bars` of `src/plots`: categories are pairs, a series is a candidate.
 */
export function marginBars(rows: readonly TrialRow[], batchSize: number) {
  const own = rows.filter((row) => row.batchSize === batchSize);
  const pairOf = (row: TrialRow) => `${row.in} → ${row.out}`;
  const categories = [...new Set(own.map(pairOf))];
  const series = [...new Set(own.map(({ candidate }) => candidate))].map((name) => {
    const mine = categories.map(
      (pair) => own.find((row) => row.candidate === name && pairOf(row) === pair) as TrialRow,
    );
    // If nearly all resamples agree, a percentile interval need not contain the value itself; the
    // interval of a bar must.
    return {
      name,
      values: mine.map(({ value }) => value),
      low: mine.map(({ low, value }) => Math.min(low, value)),
      high: mine.map(({ high, value }) => Math.max(high, value)),
    };
  });
  return { categories, series };
}
