/**
 * # The mean of the images' log norms
 *
 * The paper judges B images by the gradient of their *joint* log-likelihood, f_j = ‖∇_θj Σ_b
 * l(x_b)‖². If the gradients of familiar images point in random directions, f_j is a sum of B
 * squares plus cross terms of random sign, and these cross terms add variance. The mean of the log
 * norms of single images has no cross terms,
 *
 *     m_j = 1/B Σ_b log ‖∇_θj l(x_b)‖²,
 *
 * and costs no extra pass, because the norms of single images are computed anyway. For B = 1, m_j =
 * log f_j. For larger B, m_j cannot see whether the B gradients share a direction, while f_j can.
 */
import { type FeatureTable, logarithms } from '../detectors/index';
import { beside, summedInBatches } from './statistic';

/** The name of its columns, one a layer. They are logarithms already. */
export const MEAN_LOG_NORM = 'mean-log-norm';

/**
 * The mean log norms of batches of B images.
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

/** The table with batches of B images, out of the tables of one set. */
export function tableOf(tables: readonly FeatureTable[], B: number): FeatureTable {
  return tables.find(({ batchSize }) => batchSize === B) as FeatureTable;
}

/**
 * The table of batches of B images with the mean log norms as further columns.
 * @param tables of one set, including the one of single images
 */
export function withMeanLogNorms(tables: readonly FeatureTable[], B: number): FeatureTable {
  return beside(tableOf(tables, B), meanLogNorms(tableOf(tables, 1), B));
}
