/**
 * # The table between models and detectors
 *
 * A row is a batch of B images, a column is one number of that batch: the log-likelihood of the
 * batch (nats, summed over its images), or one feature of one layer. Columns are float64: detectors
 * do not use tensors.
 */
import { FisherlabError } from '../errors';

/**
 * What a column holds. `layer` is the tensor's name; statistics that are not of a layer have none.
 */
export interface Column {
  /** `log-likelihood`, `squared-norm`, or the name of a feature of the user's own. */
  readonly feature: string;
  readonly layer?: string;
  /** Number of parameters of the layer, for detectors that use it (chi-square). */
  readonly size?: number;
  readonly values: Float64Array;
}

export interface FeatureTable {
  /** Number of batches. */
  readonly rows: number;
  /** Images in a batch: B. */
  readonly batchSize: number;
  readonly columns: readonly Column[];
}

/** A feature table of a named set. */
export interface NamedTable {
  readonly name: string;
  readonly table: FeatureTable;
}

/**
 * All columns of one feature, in the order of the model's layers. An error lists the features there
 * are.
 */
export function columnsOf(table: FeatureTable, feature: string): Column[] {
  const found = table.columns.filter((column) => column.feature === feature);
  if (found.length === 0) {
    const known = [...new Set(table.columns.map((column) => column.feature))].join(', ');
    throw new FisherlabError(`the table has no feature '${feature}'`, `it has ${known}`);
  }
  return found;
}

/** Rows `from` … `to` (exclusive) of a table, as a table. */
export function sliceRows(table: FeatureTable, from: number, to: number): FeatureTable {
  return {
    rows: Math.max(0, Math.min(to, table.rows) - from),
    batchSize: table.batchSize,
    columns: table.columns.map((column) => ({ ...column, values: column.values.slice(from, to) })),
  };
}
