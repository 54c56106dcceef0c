/**
 * # Evaluation: from scores to numbers one can trust
 *
 * The paper's protocol, metrics with bootstrap intervals, and paired comparisons corrected for how
 * many were tried.
 */
export {
  metricsWithIntervals,
  pairedBootstrap,
  resampledAurocs,
  type Scores,
} from './bootstrap';
export { type Comparison, compareScores, type Margin, type ScoredPair } from './compare';
export { auroc, metrics } from './metrics';
export {
  halves,
  type MethodScores,
  type ResultRow,
  resamplingSeed,
  resultRows,
  rowsOfScores,
  type Split,
  scoreAll,
  scoreSplit,
} from './protocol';
