/**
 * # `results.json`: the results of an experiment as plain numbers
 *
 * What `npm start` writes and README, notebooks and other programs read. AUROC is of the other set against the model's own, **higher score = more out of distribution**; `low` and `high` end its 95 % interval.
 */
import type { Estimate } from './bootstrap';
import type { ResultRow } from './protocol';

export interface FlatRow extends Omit<ResultRow, 'auroc'> {
  readonly auroc: number;
  readonly low: number;
  readonly high: number;
  readonly aupr: Estimate;
  readonly fpr95: Estimate;
}

export interface ResultsFile {
  /** The backend that computed the features. */
  readonly backend: string;
  /** How long it all took. */
  readonly seconds: number;
  readonly rows: readonly FlatRow[];
}

export function resultsFile(backend: string, seconds: number, rows: readonly ResultRow[]): ResultsFile {
  return {
    backend,
    seconds,
    rows: rows.map(({ auroc, ...row }) => ({ ...row, auroc: auroc.value, low: auroc.low, high: auroc.high })),
  };
}
