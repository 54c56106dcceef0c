/**
 * # Evaluation: from features to numbers one can trust
 *
 * Features of a model and a data set (`features`), kept on disk (`table-cache`), the paper's protocol (`protocol`), metrics with intervals (`metrics`, `bootstrap`), and whole experiments: the first one (`experiment`), all tables (`paper-tables`,
 * `summary`), and trials of one's own ideas (`trial`, `rounds`).
 */
export { type Estimate, interval, metricsWithIntervals, pairedBootstrap } from './bootstrap';
export {
  experimentRows,
  experimentTables,
  FIRST_EXPERIMENT,
  firstExperiment,
  imageLimit,
  MAIN_METHODS,
  tablesOf,
} from './experiment';
export { extractTables } from './features';
export { auroc, metrics } from './metrics';
export { COSTLY, type ModelResults, modelResults } from './paper-tables';
export { halves, type NamedTable, type ResultRow, resultRows, scoreAll } from './protocol';
export { COSTLY_IMAGES, costlySummary, shippedResults, shippedSummary } from './summary';
export { differencesFigure, pairsFigure, tableFigure } from './tables-figures';
