/** Small tables for the tests of detectors. */

import type { Column, FeatureTable } from '../../src/detectors/table';
import { normalAt } from '../../src/numerics/random';

/** A table of one feature: `rows[i][j]` is batch i, layer j. */
export function tableOf(
  rows: readonly (readonly number[])[],
  feature = 'squared-norm',
): FeatureTable {
  const columns = (rows[0] ?? []).map((_, j) => ({
    feature,
    layer: `layer.${j}`,
    values: Float64Array.from(rows, (row) => row[j] as number),
  }));
  return { rows: rows.length, batchSize: 1, columns };
}

/** A table of statistics that are not of a layer. */
export function statistics(values: Record<string, readonly number[]>): FeatureTable {
  const columns: Column[] = Object.entries(values).map(([feature, list]) => ({
    feature,
    values: Float64Array.from(list),
  }));
  return { rows: columns[0]?.values.length ?? 0, batchSize: 1, columns };
}

/** `n` batches whose `d` features are exp(normal numbers), moved by `shift` on the log scale. */
export function logNormalTable(seed: number, n: number, d: number, shift = 0): FeatureTable {
  return tableOf(
    Array.from({ length: n }, (_, i) =>
      Array.from({ length: d }, (_, j) => Math.exp(shift + normalAt(seed, i * d + j))),
    ),
  );
}
