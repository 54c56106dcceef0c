/**
 * # How well scores tell two sets apart
 *
 * All metrics take the scores of in-distribution and of out-of-distribution batches, **higher =
 * more out of distribution**; the *positives* are the out-of-distribution batches, the ones a
 * detector is to find.
 *
 * - **AUROC** = P(S_out > S_in) + ½ P(S_out = S_in): the Mann–Whitney statistic (Hanley and McNeil,
 *   Radiology 143, 1982). ½ is chance.
 * - **AUPR** = average precision, Σ_t (R_t − R_{t−1}) P_t over thresholds t from the highest score
 *   downwards, as scikit-learn's `average_precision_score`: no interpolation between points. Chance
 *   is the share of out-of-distribution batches.
 * - **FPR at 95 % TPR** = the share of in-distribution batches that raise a false alarm at the
 *   highest threshold that still finds at least 95 % of the out-of-distribution ones (an alarm is a
 *   score at or above the threshold). Some papers count the other way round, with in-distribution
 *   as positive: their number is the share of out-of-distribution batches that pass when 95 % of
 *   the in-distribution ones do. Compare like with like.
 *
 * All three come from one walk down the sorted scores, in which tied scores are one step. The walk
 * takes how often each batch counts: once for the metric itself, as often as it was drawn for a
 * bootstrap resample (`bootstrap.ts`), so sorting is done once.
 */
import { FisherlabError } from '../errors';

/** The three metrics, each in [0, 1]. */
export interface Metrics {
  readonly auroc: number;
  readonly aupr: number;
  readonly fpr95: number;
}

/**
 * Pooled scores sorted downwards. Rows 0 … inCount−1 are in distribution, inCount …
 * inCount+outCount−1 out of distribution.
 */
export interface Ranking {
  readonly inCount: number;
  readonly outCount: number;
  /** Rows from the highest score to the lowest. */
  readonly order: Uint32Array;
  /** `lastOfTie[k]` = 1 if the k-th of the order is the last of its group of equal scores. */
  readonly lastOfTie: Uint8Array;
}

/**
 * Sorts scores. Infinite scores are ranked like any other.
 * @throws {FisherlabError} if one side has no scores, or a score is NaN
 */
export function rank(inScores: ArrayLike<number>, outScores: ArrayLike<number>): Ranking {
  assertScores('in-distribution', inScores);
  assertScores('out-of-distribution', outScores);
  const inCount = inScores.length;
  const pooled = new Float64Array(inCount + outScores.length);
  pooled.set(inScores);
  pooled.set(outScores, inCount);
  const order = Uint32Array.from(pooled, (_, row) => row).sort((a, b) =>
    compareDown(pooled[a] as number, pooled[b] as number),
  );
  const lastOfTie = Uint8Array.from(order, (row, k) =>
    pooled[row] === pooled[order[k + 1] ?? -1] ? 0 : 1,
  );
  return { inCount, outCount: outScores.length, order, lastOfTie };
}

/** Downwards; a subtraction would make NaN of two equal infinities. */
function compareDown(a: number, b: number): number {
  return a > b ? -1 : a < b ? 1 : 0;
}

function assertScores(side: string, scores: ArrayLike<number>): void {
  if (scores.length === 0) {
    throw new FisherlabError(
      `there are no ${side} scores`,
      'telling two sets apart needs at least one batch of each',
    );
  }
  for (let i = 0; i < scores.length; i++) {
    if (Number.isNaN(scores[i])) {
      throw new FisherlabError(
        `${side} score ${i} is NaN`,
        'it has no rank: look at the features of that batch',
      );
    }
  }
}

/** Area under the ROC curve; see above. O(n log n). */
export function auroc(inScores: ArrayLike<number>, outScores: ArrayLike<number>): number {
  return walkAuroc(rank(inScores, outScores));
}

/** All three at the price of one sort. */
export function metrics(inScores: ArrayLike<number>, outScores: ArrayLike<number>): Metrics {
  return walk(rank(inScores, outScores));
}

/**
 * The three metrics of ranked scores.
 * @param counts how often each row counts; their sums over either side are `inCount` and
 *   `outCount`. Every row once by default.
 */
export function walk(
  { inCount, outCount, order, lastOfTie }: Ranking,
  counts?: Uint32Array,
): Metrics {
  const enough = Math.ceil(0.95 * outCount);
  let truePositives = 0;
  let falsePositives = 0;
  let tiedPositives = 0;
  let tiedNegatives = 0;
  let area = 0;
  let precisionSum = 0;
  let fpr95 = -1;
  for (let k = 0; k < order.length; k++) {
    const row = order[k] as number;
    const count = counts === undefined ? 1 : (counts[row] as number);
    if (row < inCount) tiedNegatives += count;
    else tiedPositives += count;
    if (lastOfTie[k] === 0) continue;
    area += tiedNegatives * (truePositives + tiedPositives / 2);
    truePositives += tiedPositives;
    falsePositives += tiedNegatives;
    if (tiedPositives > 0)
      precisionSum += (tiedPositives * truePositives) / (truePositives + falsePositives);
    if (fpr95 < 0 && truePositives >= enough) fpr95 = falsePositives / inCount;
    tiedPositives = 0;
    tiedNegatives = 0;
  }
  return { auroc: area / (inCount * outCount), aupr: precisionSum / outCount, fpr95 };
}

/** The AUROC alone: the inner loop of every bootstrap of differences. */
export function walkAuroc(
  { inCount, outCount, order, lastOfTie }: Ranking,
  counts?: Uint32Array,
): number {
  let truePositives = 0;
  let tiedPositives = 0;
  let tiedNegatives = 0;
  let area = 0;
  for (let k = 0; k < order.length; k++) {
    const row = order[k] as number;
    const count = counts === undefined ? 1 : (counts[row] as number);
    if (row < inCount) tiedNegatives += count;
    else tiedPositives += count;
    if (lastOfTie[k] === 0) continue;
    area += tiedNegatives * (truePositives + tiedPositives / 2);
    truePositives += tiedPositives;
    tiedPositives = 0;
    tiedNegatives = 0;
  }
  return area / (inCount * outCount);
}
