/**
 * # Table rows for the single detector
 *
 * The means of the round (`single-detector.ts`) for every family, separately for the pairs it was
 * chosen on and those it was reported on. Only the latter show how good it is.
 */
import { shippedHeader } from '../models/index';
import { mean } from '../numerics/index';
import { readResultsFile, SINGLE_ROUND } from './results-file';
import { ROUND } from './results-schemas';
import type { RoundResult } from './rounds';
import { isLower } from './trial-outcome';

/** Means over pairs of one family, purpose and batch size. */
export interface SingleRow {
  readonly family: string;
  /** The purpose of the pairs. */
  readonly pairs: 'choosing' | 'reporting';
  readonly count: number;
  readonly batchSize: number;
  /** The paper's detector, with the same noise. */
  readonly paper: number;
  readonly auroc: number;
  /** The number of pairs on which it is lower by more than 0.01. */
  readonly lower: number;
}

/**
 * The shipped round.
 * @throws {FisherlabError} if there is none, or its file is damaged
 */
export function shippedSingleRound(): RoundResult {
  return readResultsFile(SINGLE_ROUND, ROUND, 'fisherlab combinations single');
}

/** The rows of a round, with the reporting pairs first. */
export function singleRows({ development, reporting }: RoundResult): SingleRow[] {
  const both = [
    { pairs: 'reporting' as const, rows: reporting.rows },
    { pairs: 'choosing' as const, rows: development.rows },
  ];
  return both.flatMap(({ pairs, rows }) => {
    const own = rows.filter(({ candidate }) => candidate === reporting.candidate);
    const families = [...new Set(own.map(({ model }) => familyOf(model)))];
    const sizes = [...new Set(own.map(({ batchSize }) => batchSize))];
    return families.flatMap((family) =>
      sizes.map((batchSize): SingleRow => {
        const found = own.filter(
          (row) => familyOf(row.model) === family && row.batchSize === batchSize,
        );
        return {
          family,
          pairs,
          count: found.length,
          batchSize,
          paper: mean(found.map(({ paper }) => paper)),
          auroc: mean(found.map(({ auroc }) => auroc)),
          lower: found.filter(isLower).length,
        };
      }),
    );
  });
}

const familyOf = (model: string) => shippedHeader(model).config.family;
