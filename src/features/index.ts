/**
 * # Features: from a model and images to a table of numbers
 *
 * A row is a batch of B images; a column is a log-likelihood, a feature of one layer, or a
 * statistic of an image. Extraction, what columns a model can have, and the cache that keeps
 * tables.
 */
export {
  beside,
  diagonalTables,
  methodsFor,
  needsOf,
  type Reference,
  referenceImages,
  statisticsOf,
  statisticTable,
  summedInBatches,
} from './columns';
export { extractTables } from './extract';
export { type CacheKey, readTable, tablePath, writeTable } from './table-cache';
export { type ExperimentOptions, tablesOf } from './tables';
export { type FeatureChoice, REFERENCE, type TrialTableOptions, trialTables } from './trial-tables';
