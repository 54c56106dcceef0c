/**
 * # From a score to a verdict
 *
 * A false-positive rate α is chosen: of images like the usual ones a share α may be called strange.
 * The threshold that keeps it comes from n usual scores that the detector was not fitted on
 * (conformal; Vovk et al., *Algorithmic Learning in a Random World*, 2005): with k = ⌊α (n + 1)⌋ it
 * is the k-th highest, and an image is strange if its score lies above it, which is to say that its
 * conformal p-value is at most α.
 *
 * n scores determine the threshold only roughly. Its true rate, over all images like the usual
 * ones, is distributed as Beta(k, n + 1 − k) (Vovk, *Conditional validity of inductive conformal
 * predictors*, 2012), and the score that is exceeded at the rate α lies between two of the n scores
 * with probability 95 % (`numerics/order-statistics.ts`). A verdict is *sure* if the image's score,
 * give or take twice its own standard error, lies on one side of that interval.
 */
import { FisherlabError } from '../errors';
import { type Estimate, ranksAroundQuantile, shareBelow } from '../numerics/index';

export interface Threshold {
  /** α. */
  readonly falsePositiveRate: number;
  /** n. */
  readonly usual: number;
  /** The score above which an image is strange, and where the true one may lie. */
  readonly score: Estimate;
  /** The false-positive rate that the threshold has: k / (n + 1) on average. */
  readonly rate: Estimate;
}

export interface Verdict {
  readonly strange: boolean;
  readonly sure: boolean;
}

/**
 * The threshold for a false-positive rate.
 * @param usual scores of usual images that the detector was not fitted on
 * @throws {FisherlabError} if the rate is not between 0 and 1, or the usual images are too few
 */
export function thresholdFor(falsePositiveRate: number, usual: Float64Array): Threshold {
  if (!(falsePositiveRate > 0 && falsePositiveRate < 1))
    throw new FisherlabError(
      `the false-positive rate is ${falsePositiveRate}`,
      'give a number between 0 and 1, such as 0.05',
    );
  const n = usual.length;
  // a rate of 0.05 and 19 scores are k = 1, although 0.05 · 20 may come out below it
  const k = Math.floor(falsePositiveRate * (n + 1) + 1e-9);
  if (k < 1)
    throw new FisherlabError(
      `${n} usual images to compare with cannot show a false-positive rate of ${falsePositiveRate}`,
      `give at least ${2 * Math.ceil(1 / falsePositiveRate - 1 - 1e-9)} (half of them fit the detector), or a higher rate`,
    );
  const sorted = usual.slice().sort();
  const at = (rank: number) =>
    rank < 1 ? Number.NEGATIVE_INFINITY : (sorted[rank - 1] ?? Number.POSITIVE_INFINITY);
  const around = ranksAroundQuantile(1 - falsePositiveRate, n);
  const below = shareBelow(n + 1 - k, n);
  return {
    falsePositiveRate,
    usual: n,
    score: { value: at(n + 1 - k), low: at(around.low), high: at(around.high) },
    rate: { value: k / (n + 1), low: 1 - below.high, high: 1 - below.low },
  };
}

/** What is to be said of a score with its standard error. */
export function verdict({ score: limit }: Threshold, score: number, error: number): Verdict {
  const strange = score > limit.value;
  return {
    strange,
    sure: strange ? score - 2 * error > limit.high : score + 2 * error <= limit.low,
  };
}
