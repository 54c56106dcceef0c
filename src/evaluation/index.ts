/**
 * # Evaluation: from scores to numbers one can trust
 *
 * The paper's protocol, metrics with bootstrap intervals, and paired comparisons corrected for how
 * many were tried.
 */
export {
  type MetricEstimates,
  metricsWithIntervals,
  pairedBootstrap,
  type Resampled,
  type Scores,
} from './bootstrap';
export {
  type Comparison,
  compareAurocs,
  compareScores,
  type Margin,
  type MeasuredPair,
  type ScoredPair,
} from './compare';
export {
  estimateInTurn,
  type InTurn,
  inTurn,
  meanOfModels,
  meanOfPairs,
  minus,
  type Turns,
} from './in-turn';
export { auroc, metrics } from './metrics';
export {
  halves,
  type MethodScores,
  type ResultRow,
  resampledScores,
  resamplingSeed,
  resultRows,
  rowsOfResampled,
  rowsOfScores,
  type Split,
  scoreAll,
  scoreSplit,
} from './protocol';
export { type Threshold, thresholdFor, type Verdict, verdict } from './threshold';
