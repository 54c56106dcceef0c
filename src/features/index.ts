/**
 * # Features: from a model and images to a table of numbers
 *
 * A row is a batch of B images; a column is a log-likelihood, a feature of one layer, or a
 * statistic of an image. `extractTables` computes features of gradients; `featureTables` makes
 * tables of any feature in the registry `FEATURES`, and of your own features, and reads from the
 * cache what was computed before.
 */
export { Extractor, extractTables } from './extract';
export { type FeatureFilesOptions, makeFeatureFiles } from './feature-files';
export { imagesOf } from './image-draws';
export { MEAN_LOG_NORM, withMeanLogNorms } from './mean-log-norm';
export { type Merged, type MergeOptions, mergeShards } from './merge';
export { isNeeded, methodsFor, needsOf } from './methods';
export { nearestSubset } from './nearest-subset';
export { BY_POSITION, byPixels, type NoiseIndices, SHARED, steadyNoise } from './noise-indices';
export type { ImageSource } from './origin';
export { pixelTable } from './pixel-statistics';
export { REFERENCE, type Reference, referenceImages } from './reference';
export { FEATURES, featuresOf } from './registry';
export type { Shard } from './shards';
export { beside } from './statistic';
export { type CacheKey, NUMBERS, readTable, tablePath, writeTable } from './table-cache';
export { type Piece, TableFile, writeTableFile } from './table-file';
export { type FeatureChoice, featureTables, type TableOptions, tablesOf } from './tables';
export { type TrialTableOptions, trialTables } from './trial-tables';

// The paper's feature and the passes that compute it, passed on to the rooms that import this one.

export { featurePasses, squaredNorm, squaredNorms } from '../gradients/index';
