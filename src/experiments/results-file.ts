/**
 * # `results.json`: the results of an experiment as plain numbers
 *
 * What `npm start` writes and README, notebooks and other programs read. AUROC is of the other set
 * against the model's own, **higher score = more out of distribution**; `low` and `high` end its 95
 * % interval.
 */
import { readFileSync } from 'node:fs';
import { FisherlabError } from '../backend/index';
import type { ResultRow } from '../evaluation/index';
import type { Estimate } from '../numerics/index';

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

export function resultsFile(
  backend: string,
  seconds: number,
  rows: readonly ResultRow[],
): ResultsFile {
  return {
    backend,
    seconds,
    rows: rows.map(({ auroc, ...row }) => ({
      ...row,
      auroc: auroc.value,
      low: auroc.low,
      high: auroc.high,
    })),
  };
}

/**
 * What a file of results holds. Errors: no such file, or no JSON in it; `command` says how to get
 * it.
 */
export function readResultsFile(file: string, command: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new FisherlabError(`there are no results in '${file}'`, `run ${command} first`);
  }
}
