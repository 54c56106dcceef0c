/**
 * # What the paper's approximation costs
 *
 * The paper replaces Rao's score statistic of a layer, gᵀF_j⁻¹g, by ‖g‖²/σ_j². Between these two
 * extremes lie the diagonal and the Kronecker-factored approximations of F_j (`src/fisher`). Each
 * gives a feature of layers, and each feature goes to the same detector, independent normals of log
 * features. Two questions are asked: does a better approximation detect better, and do the scores
 * agree?
 *
 * - **AUROC** of each with its bootstrap interval, and the *paired* difference from the paper's on
 *   the same batches, which has a much narrower interval than the difference of two separate
 *   estimates.
 * - **Rank correlation** (Spearman) of the detector's scores with those of the exact statistic,
 *   over in-distribution batches that were not used for fitting.
 * - **Layer by layer**: the correlation of the log features with the exact ones, and the AUROC of a
 *   detector that sees only that layer.
 */

import {
  columnsOf,
  combine,
  type FeatureTable,
  independentNormals,
  log,
  type NamedTable,
} from '../detectors/index';
import { auroc, halves, metricsWithIntervals, pairedBootstrap } from '../evaluation/index';
import {
  deriveSeed,
  type Estimate,
  interval,
  mean,
  quantileOfSorted,
  ranks,
  uniformAt,
} from '../numerics/index';

/**
 * The compared features by name, with what they keep of F_j; the paper's is first, the exact one
 * last.
 */
export const APPROXIMATIONS: ReadonlyMap<string, string> = new Map([
  ['squared-norm', "σ²I (the paper's)"],
  ['diagonal-fisher-norm', 'diagonal'],
  ['kronecker-fisher-norm', 'Kronecker factors'],
  ['damped-fisher-norm', 'all of it, damped'],
]);

export interface ApproximationRow {
  readonly feature: string;
  readonly in: string;
  readonly out: string;
  readonly batchSize: number;
  readonly auroc: Estimate;
  /** AUROC minus that of the first feature, on the same batches. */
  readonly gain: Estimate;
  /**
   * Spearman correlation of the scores with those of the last feature, on the scored half of the
   * in-distribution set.
   */
  readonly correlation: Estimate;
}

export interface ComparisonOptions {
  readonly seed: number;
  /**
   * Names of the features: first the baseline, last the one to correlate with. By default all four.
   */
  readonly features?: readonly string[];
  readonly resamples?: number;
}

/**
 * One row for each feature and each other set. Fits on the first half of `inside`.
 * @throws {FisherlabError} if the tables lack a feature, or for the reasons of the detectors
 */
export function approximationTable(
  inside: NamedTable,
  outside: readonly NamedTable[],
  options: ComparisonOptions,
): ApproximationRow[] {
  const { seed, features = [...APPROXIMATIONS.keys()], resamples = 1000 } = options;
  const { fit, score } = halves(inside.table);
  const scored = features.map((feature) => {
    const fitted = combine([log(feature)], independentNormals()).fit(fit);
    return {
      feature,
      in: fitted.score(score),
      out: outside.map(({ table }) => fitted.score(table)),
    };
  });
  const [first, last] = [scored[0], scored[scored.length - 1]] as [
    (typeof scored)[0],
    (typeof scored)[0],
  ];
  return outside.flatMap(({ name }, o) =>
    scored.map((own): ApproximationRow => {
      const resampling = { seed, resamples, inName: inside.name, outName: name };
      const scores = (of: typeof own) => ({ in: of.in, out: of.out[o] as Float64Array });
      return {
        feature: own.feature,
        in: inside.name,
        out: name,
        batchSize: inside.table.batchSize,
        auroc: metricsWithIntervals(own.in, own.out[o] as Float64Array, resampling).auroc,
        gain: pairedBootstrap(scores(own), scores(first), resampling),
        correlation: correlationWithInterval(ranks(own.in), ranks(last.in), seed),
      };
    }),
  );
}

/** How a feature does on one layer. */
export interface LayerComparison {
  readonly feature: string;
  readonly layer: string;
  /**
   * Correlation of its logarithm with that of the last feature, over the scored half of the
   * in-distribution set, with its interval.
   */
  readonly correlation: Estimate;
  /** AUROC, against each other set, of a detector that sees only this feature of this layer. */
  readonly aurocs: readonly number[];
}

/** Every feature of every layer that varies on the fit half, layer by layer. */
export function layerComparisons(
  inside: NamedTable,
  outside: readonly NamedTable[],
  { seed, features = [...APPROXIMATIONS.keys()], resamples = 200 }: ComparisonOptions,
): LayerComparison[] {
  const { fit, score } = halves(inside.table);
  const last = columnsOf(score, features[features.length - 1] as string);
  return features.flatMap((feature) =>
    columnsOf(score, feature).flatMap((column, j): LayerComparison[] => {
      const exact = last[j] as (typeof last)[0];
      if (![column, exact].every(({ values }) => values.every((value) => value > 0))) return [];
      const alone = (table: FeatureTable): FeatureTable => ({
        ...table,
        columns: [columnsOf(table, feature)[j] as (typeof last)[0]],
      });
      const fitted = combine([log(feature)], independentNormals()).fit(alone(fit));
      const own = fitted.score(alone(score));
      return [
        {
          feature,
          layer: column.layer as string,
          correlation: correlationWithInterval(
            column.values.map(Math.log),
            exact.values.map(Math.log),
            seed,
            resamples,
          ),
          aurocs: outside.map(({ table }) => auroc(own, fitted.score(alone(table)))),
        },
      ];
    }),
  );
}

/** Median and quartiles over layers. */
export function quartiles(values: readonly number[]): Estimate {
  const sorted = Float64Array.from(values).sort();
  return {
    value: quantileOfSorted(sorted, 0.5),
    low: quantileOfSorted(sorted, 0.25),
    high: quantileOfSorted(sorted, 0.75),
  };
}

/**
 * Pearson's correlation with its 95 % bootstrap interval over rows; the same rows are drawn for all
 * pairs of columns.
 */
export function correlationWithInterval(
  x: Float64Array,
  y: Float64Array,
  seed: number,
  resamples = 200,
): Estimate {
  const n = x.length;
  const [mx, my] = [mean(x), mean(y)];
  const correlation = (pick: (i: number) => number) => {
    let [sx, sy, sxx, sxy, syy] = [0, 0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const row = pick(i);
      const [u, v] = [(x[row] as number) - mx, (y[row] as number) - my];
      sx += u;
      sy += v;
      sxx += u * u;
      sxy += u * v;
      syy += v * v;
    }
    return (n * sxy - sx * sy) / Math.sqrt((n * sxx - sx * sx) * (n * syy - sy * sy));
  };
  const resampled = Float64Array.from({ length: resamples }, (_, r) => {
    const own = deriveSeed(seed, 7, r);
    return correlation((i) => Math.floor(uniformAt(own, i) * n));
  });
  return { value: correlation((i) => i), ...interval(resampled.filter(Number.isFinite)) };
}
