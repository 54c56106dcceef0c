/**
 * # From features to a detector, in two choices
 *
 * Most detectors here consist of two independent choices: *which columns to use, and on what scale*
 * (a `Source`), and *how to combine them into one number* (a `Combiner`). The paper's detector uses
 * the logarithms of squared norms, combined as independent normals:
 *
 *     combine([log('squared-norm')], independentNormals(), 'layer-wise gradients')
 *
 * A combiner of your own is an object with a method `fit`:
 *
 *     const largestZ: Combiner = {
 *       name: 'largest z',
 *       fit: (columns) => {
 *         const mu = columns.map((c) => mean(c.values));
 *         const sigma = columns.map((c) => unbiasedStd(c.values));
 *         const z = (value: number, j: number) => Math.abs(value - mu[j]) / sigma[j];
 *         return (rows) => scoreRows(rows, z, Math.max);
 *       },
 *     };
 *
 * It may rely on three guarantees:
 *
 * - There are at least two rows and one column, and every number is finite. (Anything else is an
 *   error that names feature, layer and row.)
 * - No column is constant on the fit set: such columns are dropped. This is the paper's rule
 *   (standard deviation exactly 0), here tested as "all values equal", which rounding cannot
 *   affect. They stay dropped even if they vary later.
 * - The columns to score are the same features and layers in the same order.
 *
 * **The logarithm of zero.** A squared norm that is exactly 0 was too small for float32, that is,
 * below 2⁻¹⁴⁹. So `log` reads everything below 2⁻¹⁴⁹ as 2⁻¹⁴⁹ (log ≈ −103.3). A layer that was
 * never zero on the fit set and suddenly is gets a large but finite z. A layer that was zero on
 * some rows of the fit set has a large spread. A layer that was zero on all of them is constant and
 * dropped. (The paper's code keeps −∞ and replaces it by −3.4·10³⁸ at the end, which drowns out all
 * other layers.) Negative values have no logarithm and are an error.
 */
import { FisherlabError } from '../errors';
import { isConstant } from '../numerics/index';
import type { Detector } from './detector';
import { type Column, columnsOf, type FeatureTable } from './table';

/** A feature and the scale it is looked at on. */
export interface Source {
  readonly feature: string;
  readonly scale: 'log' | 'raw';
}

/** The columns of a feature as natural logarithms; for norms and other sizes. */
export const log = (feature: string): Source => ({ feature, scale: 'log' });
/**
 * The columns of a feature as they are; for log-likelihoods, cosines and whatever can be negative.
 */
export const raw = (feature: string): Source => ({ feature, scale: 'raw' });

/** Scores rows given as columns; one number a row, higher = more out of distribution. */
export type RowScores = (columns: readonly Column[]) => Float64Array;

export interface Combiner {
  readonly name: string;
  /** Learns from prepared columns (see above) of in-distribution rows. */
  fit(columns: readonly Column[]): RowScores;
}

/** Smallest positive float32: what a squared norm of 0 is known to be smaller than. */
const SMALLEST_FLOAT32 = 2 ** -149;

/**
 * A detector of sources and a combiner.
 * @param name as it stands in tables; by default `combiner of feature + feature`
 * @throws {FisherlabError} (at the fit) if the table lacks a feature or has fewer than two rows, a
 *   value is not finite, a logarithm is taken of a negative value, or all columns are constant; at
 *   scoring, if columns differ from those of the fit
 */
export function combine(
  sources: readonly Source[],
  combiner: Combiner,
  name = `${combiner.name} of ${sources.map((source) => source.feature).join(' + ')}`,
): Detector {
  if (sources.length === 0)
    throw new FisherlabError(`detector '${name}' has no features`, 'name at least one');
  return {
    name,
    fit(table) {
      if (table.rows < 2) {
        throw new FisherlabError(
          `'${name}' cannot learn from ${table.rows} batches`,
          'give at least two, better hundreds',
        );
      }
      const all = prepare(table, sources);
      const kept = all.flatMap((column, j) => (isConstant(column.values) ? [] : [j]));
      if (kept.length === 0) {
        throw new FisherlabError(
          `'${name}' has nothing to learn: all ${all.length} columns are constant on the ${table.rows} batches of the fit set`,
          'give batches that differ, or another feature',
        );
      }
      const pick = (columns: readonly Column[]) => kept.map((j) => columns[j] as Column);
      const scores = combiner.fit(pick(all));
      return {
        score(other) {
          const columns = prepare(other, sources);
          assertSameColumns(name, all, columns);
          return scores(pick(columns));
        },
      };
    },
  };
}

/** The columns of all sources, checked and on their scale. */
function prepare(table: FeatureTable, sources: readonly Source[]): Column[] {
  return sources.flatMap(({ feature, scale }) =>
    columnsOf(table, feature).map((column) => {
      assertFinite(column);
      return scale === 'raw' ? column : { ...column, values: logarithms(column) };
    }),
  );
}

/**
 * Checks a column.
 * @throws {FisherlabError} if a value is not a finite number
 */
export function assertFinite(column: Column): void {
  const row = column.values.findIndex((value) => !Number.isFinite(value));
  if (row >= 0) {
    throw new FisherlabError(
      `${describe(column)} is ${column.values[row]} in batch ${row}`,
      'a detector needs finite numbers: look for NaN in the weights or images that made it',
    );
  }
}

/**
 * The logarithms of a column; of 0 that of the smallest positive float32.
 * @throws {FisherlabError} if a value is negative
 */
export function logarithms(column: Column): Float64Array {
  return column.values.map((value, row) => {
    if (value < 0) {
      throw new FisherlabError(
        `${describe(column)} is ${value} in batch ${row}: it has no logarithm`,
        "use it as it is: raw('…')",
      );
    }
    return Math.log(Math.max(value, SMALLEST_FLOAT32));
  });
}

function assertSameColumns(
  name: string,
  fitted: readonly Column[],
  given: readonly Column[],
): void {
  if (fitted.length !== given.length) {
    throw new FisherlabError(
      `'${name}' learned from ${fitted.length} columns and is asked about ${given.length}`,
      'score tables of the same model and features as the fit',
    );
  }
  given.forEach((column, j) => {
    const expected = fitted[j] as Column;
    if (column.layer !== expected.layer) {
      throw new FisherlabError(
        `'${name}' learned ${describe(expected)} where the table has ${describe(column)}`,
        'score tables of the same model and features as the fit',
      );
    }
  });
}

function describe(column: Column): string {
  return column.layer === undefined
    ? `feature '${column.feature}'`
    : `feature '${column.feature}' of layer '${column.layer}'`;
}

/**
 * One score a row: `term(value, j)` of every column j, taken together by `join` (by default their
 * sum). Walks column by column, as they lie in memory.
 */
export function scoreRows(
  columns: readonly Column[],
  term: (value: number, j: number) => number,
  join: (a: number, b: number) => number = (a, b) => a + b,
): Float64Array {
  const rows = columns[0]?.values.length ?? 0;
  const scores = new Float64Array(rows);
  columns.forEach(({ values }, j) => {
    for (let i = 0; i < rows; i++) {
      const t = term(values[i] as number, j);
      scores[i] = j === 0 ? t : join(scores[i] as number, t);
    }
  });
  return scores;
}
