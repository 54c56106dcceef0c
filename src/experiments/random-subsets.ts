/**
 * # Random subsets: how few layers, and how few fit batches, are enough?
 *
 * For each size n, `REPEATS` random subsets of n layers (`overLayers`) or of n batches of the fit
 * half (`overFitSizes`) are drawn. Each subset fits a detector of its own. A point holds the mean
 * AUROC over the subsets and the interval from their 5 % to their 95 % quantile: it shows how much
 * the choice of a subset matters, not how uncertain the AUROC of one subset is.
 */

import { detector, type FeatureTable, type NamedTable } from '../detectors/index';
import { auroc, halves, scoreSplit } from '../evaluation/index';
import { deriveSeed, isConstant, mean, permutation, quantileOfSorted } from '../numerics/index';
import type { AblationPoint } from './ablation-points';

const REPEATS = 20;
const LAYERWISE = 'layer-wise gradients';

/** 1, 2, 5, 10, … below `most`, then `most`. */
export function roundNumbers(most: number, least = 1): number[] {
  const numbers = [1, 10, 100, 1000, 10000].flatMap((ten) => [ten, 2 * ten, 5 * ten]);
  return [...numbers.filter((n) => n >= least && n < most), most];
}

/** The paper's method on random subsets of layers. */
export function overLayers(tables: readonly NamedTable[], seed: number): AblationPoint[] {
  const [inside] = tables as [NamedTable, ...NamedTable[]];
  // A layer whose norm is the same for all images carries no information, and a detector cannot be
  // fitted on it alone.
  const informative = halves(inside.table).fit.columns.filter(
    ({ feature, values }) => feature === 'squared-norm' && !isConstant(values),
  );
  const layers = informative.map(({ layer }) => layer as string);
  return roundNumbers(layers.length).flatMap((count) =>
    overRepeats(tables, count, count === layers.length ? 1 : REPEATS, LAYERWISE, (repeat) => {
      const order = permutation(layers.length, deriveSeed(seed, 1, count, repeat));
      const chosen = new Set([...order.subarray(0, count)].map((k) => layers[k] as string));
      const of = (table: FeatureTable): FeatureTable => ({
        ...table,
        columns: table.columns.filter(
          ({ feature, layer }) => feature === 'squared-norm' && chosen.has(layer as string),
        ),
      });
      const { fit, score } = halves(of(inside.table));
      return scoreSplit(
        { fit, score },
        tables.slice(1).map(({ name, table }) => ({ name, table: of(table) })),
        LAYERWISE,
        seed,
      );
    }),
  );
}

/** Typicality and the paper's method, fitted on random subsets of the fit half. */
export function overFitSizes(tables: readonly NamedTable[], seed: number): AblationPoint[] {
  const [inside, ...outside] = tables as [NamedTable, ...NamedTable[]];
  const { fit, score } = halves(inside.table);
  return ['typicality', LAYERWISE].flatMap((method) =>
    roundNumbers(fit.rows, 5).flatMap((count) =>
      overRepeats(tables, count, count === fit.rows ? 1 : REPEATS, method, (repeat) => {
        const chosen = permutation(fit.rows, deriveSeed(seed, 2, count, repeat)).subarray(0, count);
        const fitted = detector(method, seed).fit(rowsAt(fit, chosen));
        return {
          in: fitted.score(score),
          out: outside.map(({ name, table }) => ({ name, scores: fitted.score(table) })),
        };
      }),
    ),
  );
}

/**
 * A point for each out-of-distribution set: the mean and the middle 90 % of the AUROC over repeats.
 */
function overRepeats(
  tables: readonly NamedTable[],
  x: number,
  repeats: number,
  method: string,
  scores: (repeat: number) => {
    in: Float64Array;
    out: readonly { name: string; scores: Float64Array }[];
  },
): AblationPoint[] {
  const runs = Array.from({ length: repeats }, (_, repeat) => scores(repeat));
  return tables.slice(1).map(({ name, table }, k) => {
    const values = runs
      .map((run) => auroc(run.in, run.out[k]?.scores as Float64Array))
      .sort((a, b) => a - b);
    return {
      out: name,
      batchSize: table.batchSize,
      method,
      x,
      auroc: {
        value: mean(values),
        low: quantileOfSorted(values, 0.05),
        high: quantileOfSorted(values, 0.95),
      },
    };
  });
}

function rowsAt(table: FeatureTable, rows: Uint32Array): FeatureTable {
  return {
    ...table,
    rows: rows.length,
    columns: table.columns.map((column) => ({
      ...column,
      values: Float64Array.from(rows, (row) => column.values[row] as number),
    })),
  };
}
