/**
 * # Experiments: tables, ablations and trials
 *
 * Everything that runs the method over many models and data sets, and what ships of it as files in
 * `data/results`.
 */
export {
  type AblationPoint,
  ablations,
  overFitSizes,
  overLayers,
  shippedAblations,
} from './ablations';
export { APPROXIMATIONS, approximationTable, layerComparisons, quartiles } from './approximations';
export { familyCombinations } from './family-combinations';
export { FEATURE_COMBINATIONS } from './feature-combinations';
export {
  FIGURE_TABLES,
  figureLayers,
  figureModels,
  figureSets,
  figureTables,
  layerTables,
  recomputed,
  writeFigureTables,
} from './figure-tables';
export {
  experimentRows,
  experimentTables,
  FIRST_EXPERIMENT,
  firstExperiment,
  imageLimit,
  MAIN_METHODS,
} from './first-experiment';
export { LADDER, type Ladder, rungResults, rungs, type Size, shippedLadder } from './ladder';
export { MODEL_CARDS, type ModelCard, modelCards, shippedCards } from './model-cards';
export { DEVELOPMENT_PAIRS, REPORTING_PAIRS } from './pairs';
export { PAPER_BATCH_SIZE, PAPER_TIMESTEPS, paperTimesteps } from './paper-known';
export {
  assertPair,
  COSTLY,
  type ModelResults,
  modelResults,
  PROTOCOLS,
  type Protocol,
  setsFor,
} from './paper-tables';
export { type FlatRow, type ResultsFile, readResultsFile, resultsFile } from './results-file';
export { isPlayed, keepTables, modelsOf, playRound, type Round } from './rounds';
export {
  COSTLY_IMAGES,
  COSTLY_SUMMARY,
  costlySummary,
  type FamilySummary,
  SUMMARY,
  type Summary,
  shippedResults,
  shippedSummary,
  summarise,
} from './summary';
export { ablationFigure, differencesFigure, pairsFigure, tableFigure } from './tables-figures';
export { compare, freeze, marginBars, report, type TrialMean, type TrialRow } from './trial';
