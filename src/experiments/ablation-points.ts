/**
 * # Points of an ablation
 *
 * An ablation varies one number x, such as the batch size B, and measures the AUROC at each value.
 * A *point* is one measurement: a detector (`method`), the set it is tested against (`out`), x, and
 * the AUROC with its interval.
 */

import type { NamedTable } from '../detectors/index';
import { resamplingSeed, rowsOfScores, scoreAll } from '../evaluation/index';
import type { Estimate } from '../numerics/index';

/** One point of an ablation. */
export interface AblationPoint {
  readonly out: string;
  readonly batchSize: number;
  readonly method: string;
  /**
   * What was varied: the number of layers, B, the number of fit batches, or the number of noise
   * draws.
   */
  readonly x: number;
  readonly auroc: Estimate;
}

/** Scores some methods on tables, and returns the results as points at x. */
export function plain(
  tables: readonly NamedTable[],
  methods: readonly string[],
  x: number,
  seed: number,
): AblationPoint[] {
  const [inside, ...outside] = tables as [NamedTable, ...NamedTable[]];
  const { batchSize } = inside.table;
  const about = { model: '', in: inside.name, batchSize, seed: resamplingSeed(seed) };
  return rowsOfScores(scoreAll(inside.table, outside, methods, seed), about).map(
    ({ out, method, auroc: estimate }) => ({ out, batchSize, method, x, auroc: estimate }),
  );
}
