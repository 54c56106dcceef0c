/**
 * # The mean over several draws of the noise
 *
 * A model's numbers for an image depend on noise ε that is drawn for it: dequantisation, a latent,
 * or diffusion noise. A column is then an estimate of its mean over that noise, and D draws give a
 * better one,
 *
 *     f̄(x) = 1/D Σ_d f(x, ε_d).
 *
 * Detectors are fitted on rows of such means and score such rows, of familiar images and of others
 * alike. How far the score s̄ of an image still is from its value for infinitely many draws is
 * estimated by leaving out one draw at a time (the jackknife; Efron and Stein, Annals of Statistics
 * 9, 1981): with s₋d the score of the mean over all draws but d,
 *
 *     se² = (D − 1)/D Σ_d (s₋d − mean of all s₋d)².
 */
import { mean } from '../numerics/index';
import type { FeatureTable } from './table';

/**
 * One row an image, each column's mean over its draws.
 * @param table `draws` rows for each image, one after the other
 * @param without the draw that is left out, from 0 on; none where it is not given
 */
export function meanOverDraws(table: FeatureTable, draws: number, without?: number): FeatureTable {
  const rows = table.rows / draws;
  const used = Array.from({ length: draws }, (_, d) => d).filter((d) => d !== without);
  return {
    ...table,
    rows,
    columns: table.columns.map((column) => ({
      ...column,
      values: Float64Array.from({ length: rows }, (_, row) =>
        mean(used.map((d) => column.values[row * draws + d] as number)),
      ),
    })),
  };
}

/**
 * The standard error that draws leave in the score of each image, [images]; zeros of a single draw,
 * of which nothing can be said.
 * @param score what a detector that was fitted on rows of means makes of such rows
 */
export function errorOfDraws(
  table: FeatureTable,
  draws: number,
  score: (rows: FeatureTable) => Float64Array,
): Float64Array {
  if (draws === 1) return new Float64Array(table.rows);
  const without = Array.from({ length: draws }, (_, d) => score(meanOverDraws(table, draws, d)));
  return Float64Array.from({ length: table.rows / draws }, (_, row) => {
    const scores = without.map((each) => each[row] as number);
    const centre = mean(scores);
    const squares = scores.reduce((sum, one) => sum + (one - centre) ** 2, 0);
    return Math.sqrt(((draws - 1) / draws) * squares);
  });
}
