/**
 * # Score statistic and typicality, combined
 *
 * Bergamin, Mattei, Havtorn, Senetaire, Schmutz, Maaløe, Hauberg, Frellsen, *Model-agnostic
 * out-of-distribution detection using combined statistical tests* (AISTATS 2022, arXiv 2203.01097).
 * Two tests of the same batch,
 *
 *     s = ‖F̂_d^(−1/2) ∇l(x)‖    Rao's score statistic with a diagonal Fisher matrix,
 *     t = |mean l − l(x)|       typicality,
 *
 * where l is the log-likelihood and F̂_d the mean of (∇l)² over training images (+ 10⁻⁸). Each
 * statistic becomes a p-value by its empirical distribution in distribution, p = 1 − ECDF, and
 * Fisher's method makes one number of the two:
 *
 *     S = −2 (log(p_s + 10⁻⁸) + log(p_t + 10⁻⁸)).
 *
 * The table brings Σ_θ g²/F̂_d as a feature, one column for the model or one a layer (they are
 * added up, and the root is taken). The mean of l and both empirical distributions come from the
 * fit set; the authors take the mean from training images and the distributions from a validation
 * set. Beyond the largest value of the fit set p is 0, so all extreme batches are tied; the 10⁻⁸ is
 * the authors'.
 */

import { countUpTo, mean } from '../numerics/index';
import { assertFinite } from './combine';
import type { Detector } from './detector';
import { statistic } from './likelihood';
import { columnsOf, type FeatureTable } from './table';

const SMALLEST_P = 1e-8;

/**
 * @param feature Σ g²/F̂_d, for the model or for each layer
 * @throws {FisherlabError} (at the fit and at scoring) if columns are missing or not finite
 */
export function scoreStatisticAndTypicality(feature = 'diagonal-fisher-norm'): Detector {
  return {
    name: 'score statistic + typicality',
    fit(inDistribution) {
      const centre = mean(statistic(inDistribution, 'log-likelihood'));
      const tests = [
        (table: FeatureTable) => scoreStatistic(table, feature),
        (table: FeatureTable) =>
          statistic(table, 'log-likelihood').map((logP) => Math.abs(centre - logP)),
      ].map((test) => ({ test, known: test(inDistribution).sort() }));
      return {
        score(table) {
          const scores = new Float64Array(table.rows);
          for (const { test, known } of tests) {
            test(table).forEach((value, row) => {
              scores[row] =
                (scores[row] as number) - 2 * Math.log(shareAbove(known, value) + SMALLEST_P);
            });
          }
          return scores;
        },
      };
    },
  };
}

/** ‖F̂_d^(−1/2) ∇l‖ [rows]. */
function scoreStatistic(table: FeatureTable, feature: string): Float64Array {
  const squared = new Float64Array(table.rows);
  for (const column of columnsOf(table, feature)) {
    assertFinite(column);
    column.values.forEach((value, row) => {
      squared[row] = (squared[row] as number) + value;
    });
  }
  return squared.map(Math.sqrt);
}

/** 1 − ECDF: the share of known values above x. */
function shareAbove(known: Float64Array, x: number): number {
  return 1 - countUpTo(known, x) / known.length;
}
