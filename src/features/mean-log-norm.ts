/**
 * # The mean of the images' log norms
 *
 * The paper judges B images by the gradient of their *joint* log-likelihood, f_j = ‖∇_θj Σ_b
 * l(x_b)‖². Where gradients of familiar images point anywhere, f_j is a sum of B squares with as
 * many cross terms of random sign, whose variance it pays. The mean of the single images' log norms
 * has none,
 *
 *     m_j = 1/B Σ_b log ‖∇_θj l(x_b)‖²,
 *
 * and costs the same pass: norms of single images are there anyway. For B = 1 both are the same
 * number. What it cannot see is a common direction of the B gradients, which is what makes the
 * joint norm large.
 */
import { type FeatureTable, logarithms } from '../detectors/index';
import { beside, summedInBatches } from './statistic';

/** The name of its columns: already logarithms, of one layer each. */
export const MEAN_LOG_NORM = 'mean-log-norm';

/**
 * The columns of B images each.
 * @param single the squared norms of single images, in the order of the batches
 */
export function meanLogNorms(single: FeatureTable, B: number): FeatureTable {
  const norms = single.columns.filter(({ feature }) => feature === 'squared-norm');
  const columns = norms.map((column) => ({
    ...column,
    feature: MEAN_LOG_NORM,
    values: logarithms(column).map((value) => value / B),
  }));
  return summedInBatches({ ...single, columns }, B);
}

/** The table of batches of B images among tables of one set. */
export function tableOf(tables: readonly FeatureTable[], B: number): FeatureTable {
  return tables.find(({ batchSize }) => batchSize === B) as FeatureTable;
}

/**
 * The same with the mean log norms beside its columns.
 * @param tables of one set, one of single images among them
 */
export function withMeanLogNorms(tables: readonly FeatureTable[], B: number): FeatureTable {
  return beside(tableOf(tables, B), meanLogNorms(tableOf(tables, 1), B));
}
