/**
 * # Experiments: tables, ablations and trials
 *
 * Runs the method over many models and data sets, and reads and writes the result files in
 * `data/results`.
 */
export type { AblationPoint } from './ablation-points';
export { ablations, shippedAblations } from './ablations';
export { APPROXIMATIONS, approximationTable, layerComparisons, quartiles } from './approximations';
export { CHOSEN, METHODS, PAPER_METHOD, PIXELS, type View } from './beyond-pixels';
export {
  BEYOND_SETS,
  type BeyondPixels,
  beyondPixels,
  keepBeyondPixels,
} from './beyond-study';
export {
  type ClassMetrics,
  type Detection,
  type DetectionOptions,
  detect,
  type Scored,
  strangestFirst,
} from './detection';
export {
  classRows,
  type DetectionFiles,
  inWords,
  quoted,
  writeDetections,
  yesOrNo,
} from './detection-files';
export { type Answers, type Grade, grade } from './exercises';
export { familyCombinations } from './family-combinations';
export { type Fault, type FaultCampaign, keepFaults, shippedFaults } from './fault-table';
export { FEATURE_COMBINATIONS } from './feature-combinations';
export {
  FIGURE_TABLES,
  figureLayers,
  figureModels,
  figureSets,
  figureTables,
  layerTables,
  recomputed,
  withoutFigureTables,
  writeFigureTables,
} from './figure-tables';
export {
  experimentRows,
  experimentTables,
  FIRST_EXPERIMENT,
  firstExperiment,
  imageLimit,
  keepFirstResults,
  MAIN_METHODS,
  runFirstExperiment,
} from './first-experiment';
export {
  chiSquareFigure,
  decorrelationFigure,
  logNormalFigure,
  offDiagonalFigure,
  rawWindowFigure,
  scalesFigure,
  windowFigure,
} from './fisher-figures';
export { keepAblations, keepLadder } from './kept-ablations';
export {
  assertAllTried,
  figuresFolder,
  makeTables,
  type TableSet,
  triedModels,
} from './kept-tables';
export { type KernelResults, keepKernel, kernelRows, memoryRows } from './kernel-results';
export { LADDER, shippedLadder } from './ladder';
export { keepCards, type ModelCard, shippedCards } from './model-cards';
export { modelFigures, trainingFigures } from './model-figures';
export { layerPairFrames, type MovingFrame, thresholdFrames } from './moving-figures';
export { fillPages } from './pages';
export { DEVELOPMENT_PAIRS, REPORTING_PAIRS } from './pairs';
export {
  correlationFigure,
  likelihoodFigure,
  moreLayersFigure,
  twoLayersFigure,
} from './paper-figures';
export { PAPER_BATCH_SIZE, PAPER_TIMESTEPS, paperTimesteps } from './paper-known';
export {
  COSTLY,
  type ModelResults,
  modelResults,
  PROTOCOLS,
  type Protocol,
} from './paper-tables';
export {
  keepPixelBaseline,
  type PixelBaseline,
  pixelBaseline,
  pixelMean,
  shippedPixelBaseline,
} from './pixel-baseline';
export { overFitSizes, overLayers } from './random-subsets';
export { compareReferenceFile, referenceFiles } from './reference-files';
export { LAST_START, RESULTS, readModelResults, TRIAL_RESULTS } from './results-file';
export { playRound, type Round, type RoundResult } from './rounds';
export { keepScale, type ScaleResults, type Spread } from './scale-results';
export { assertPair, setsFor } from './sets-to-try';
export { ORDER, singleDetector } from './single-detector';
export { type SingleRow, shippedSingleRound, singleRows } from './single-rows';
export { keepSpeed, type SpeedRow } from './speed-results';
export { keepStartUp, type StartUpResults } from './start-up-results';
export {
  COSTLY_IMAGES,
  costlySummary,
  type FamilySummary,
  type Summary,
  shippedResults,
  shippedSummary,
} from './summary';
export { claimRows, layoutRows, meanRows, protocolRows } from './summary-rows';
export { detectInTables, type ScoredBatch, type TableDetectionOptions } from './table-detection';
export { ablationFigure, differencesFigure, pairsFigure, tableFigure } from './tables-figures';
export {
  fisherThrough,
  gradientDifferences,
  largestDifference,
  logLikelihoodsOfPoints,
  logLikelihoodsThrough,
  meanLogNorms,
  tablesThrough,
  tinyGlow,
  unitCube,
} from './through-representations';
export { compare, freeze, report } from './trial';
export { marginBars, type TrialMean, type TrialRow } from './trial-outcome';
export { bringUpToDate } from './up-to-date';
