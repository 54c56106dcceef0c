/**
 * # A detector
 *
 * A detector is fitted on the features of in-distribution batches, and then gives every new batch a
 * score. **Higher score = more out of distribution, for every detector of this program.**
 */
import type { FeatureTable } from './table';

export interface Detector {
  /** As it is called in tables: `layer-wise gradients`, `typicality`. */
  readonly name: string;
  /**
   * Learns from in-distribution batches alone.
   * @throws {FisherlabError} if it cannot learn from the table
   */
  fit(inDistribution: FeatureTable): FittedDetector;
}

export interface FittedDetector {
  /** One score a row, higher = more out of distribution. */
  score(table: FeatureTable): Float64Array;
}
