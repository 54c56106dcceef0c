/**
 * # Plain likelihood
 *
 * Bishop, *Novelty detection and neural network validation* (1994): what the model finds improbable
 * is novel. The score is −log p(x) summed over the batch (nats). That deep generative models prefer
 * some foreign images to their own (Nalisnick et al., *Do deep generative models know what they
 * don't know?*, 2019, arXiv 1810.09136) shows as an AUROC below one half: the failure this program
 * starts from.
 */
import { FisherlabError } from '../errors';
import { assertFinite } from './combine';
import type { Detector } from './detector';
import { columnsOf, type FeatureTable } from './table';

/**
 * The single column of a statistic that is not of a layer, checked to be finite.
 * @throws {FisherlabError} if there are several such columns or none, or a value is not finite
 */
export function statistic(table: FeatureTable, feature: string): Float64Array {
  const [column, ...more] = columnsOf(table, feature);
  if (column === undefined || more.length > 0) {
    throw new FisherlabError(
      `feature '${feature}' has ${more.length + 1} columns`,
      'name one that has a single column',
    );
  }
  assertFinite(column);
  return column.values;
}

/** Minus the log-likelihood of the batch. Nothing is learned. */
export function likelihood(): Detector {
  return {
    name: 'likelihood',
    fit: () => ({ score: (table) => statistic(table, 'log-likelihood').map((logP) => -logP) }),
  };
}
