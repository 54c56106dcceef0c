/**
 * # How sure a metric is: the bootstrap
 *
 * Efron, *Bootstrap methods: another look at the jackknife*, Ann. Statist. 7 (1979). Batches are
 * drawn anew, with replacement, as many as there are, **each side by itself** (the numbers of in-
 * and out-of-distribution batches were chosen, not observed), and the metric is computed again; the
 * 2.5 % and 97.5 % quantiles of a thousand such values are the interval. Two detectors are compared
 * on the *same* draws: the difference is much surer than either number where they agree on most
 * batches.
 *
 * A resample is how often each row was drawn. With the rows sorted by score once (`metrics.ts`), a
 * resample costs one walk: O(n), not O(n log n).
 *
 * Draws depend on the seed, the resample and the *name* of a set, so that the same images are drawn
 * together wherever they appear: in the pairs of a table that share their in-distribution set the
 * errors are shared too, and an average over pairs gets the interval it should (`compare.ts`).
 *
 * An interval says how other batches *from the same sets, scored by the same model and the same
 * fitted detector* would come out. It does not contain the luck of training. Where scores separate
 * perfectly it has no width: no resample can undo that.
 */

import { FisherlabError } from '../errors';
import { deriveSeed, drawCounts, type Estimate, interval } from '../numerics/index';
import { auroc, type Metrics, type Ranking, rank, walk, walkAuroc } from './metrics';

export interface Resampling {
  readonly seed: number;
  /** Number of resamples; 1000 by default. */
  readonly resamples?: number;
  /**
   * Names of the two sets: sets of the same name and size are drawn alike. `in` and `out` by
   * default.
   */
  readonly inName?: string;
  readonly outName?: string;
}

export interface MetricEstimates {
  readonly auroc: Estimate;
  readonly aupr: Estimate;
  readonly fpr95: Estimate;
}

/** Scores of the same batches. */
export interface Scores {
  readonly in: ArrayLike<number>;
  readonly out: ArrayLike<number>;
}

/** One detector's metrics, and what they are in each resample. */
export interface Resampled {
  readonly value: Metrics;
  readonly resampled: Readonly<Record<keyof Metrics, Float64Array>>;
}

/**
 * The metrics of several detectors on the same batches, with the same draws for all: each resample
 * is drawn once.
 * @throws {FisherlabError} if detectors scored different numbers of batches; otherwise as `rank`
 */
export function resampledMetrics(
  detectors: readonly Scores[],
  resampling: Resampling,
): Resampled[] {
  const rankings = rankAll(detectors);
  const [first] = rankings;
  if (first === undefined) return [];
  const byResample = resample(first, resampling, (counts) =>
    rankings.map((ranking) => walk(ranking, counts)),
  );
  return rankings.map((ranking, k) => {
    const of = (metric: keyof Metrics) =>
      Float64Array.from(byResample, (found) => (found[k] as Metrics)[metric]);
    return {
      value: walk(ranking),
      resampled: { auroc: of('auroc'), aupr: of('aupr'), fpr95: of('fpr95') },
    };
  });
}

/** Each metric with its 95 % interval. */
export function estimates({ value, resampled }: Resampled): MetricEstimates {
  const of = (metric: keyof Metrics) => ({ value: value[metric], ...interval(resampled[metric]) });
  return { auroc: of('auroc'), aupr: of('aupr'), fpr95: of('fpr95') };
}

/**
 * AUROC, AUPR and FPR at 95 % TPR of one detector with 95 % bootstrap intervals.
 * @throws {FisherlabError} as `rank`
 */
export function metricsWithIntervals(
  inScores: ArrayLike<number>,
  outScores: ArrayLike<number>,
  resampling: Resampling,
): MetricEstimates {
  const [found] = resampledMetrics([{ in: inScores, out: outScores }], resampling);
  return estimates(found as Resampled);
}

/**
 * AUROCs alone of several detectors on the same batches, for each resample the same draws for all:
 * [detectors] × [resamples]. Less work than `resampledMetrics`.
 * @throws {FisherlabError} as `resampledMetrics`
 */
export function resampledAurocs(
  detectors: readonly Scores[],
  resampling: Resampling,
): Float64Array[] {
  const rankings = rankAll(detectors);
  const [first] = rankings;
  if (first === undefined) return [];
  const byResample = resample(first, resampling, (counts) =>
    rankings.map((ranking) => walkAuroc(ranking, counts)),
  );
  return rankings.map((_, k) => Float64Array.from(byResample, (aurocs) => aurocs[k] as number));
}

/** The scores of each detector sorted; all must be of the same batches. */
function rankAll(detectors: readonly Scores[]): Ranking[] {
  const rankings = detectors.map((scores) => rank(scores.in, scores.out));
  for (const { inCount, outCount } of rankings) {
    const first = rankings[0] as Ranking;
    if (inCount !== first.inCount || outCount !== first.outCount) {
      throw new FisherlabError(
        `detectors are compared on ${first.inCount} + ${first.outCount} and ${inCount} + ${outCount} batches`,
        'score the same batches with all',
      );
    }
  }
  return rankings;
}

/**
 * The paired bootstrap: AUROC(a) − AUROC(b) on the same batches with its 95 % interval.
 * @throws {FisherlabError} as `resampledAurocs`
 */
export function pairedBootstrap(a: Scores, b: Scores, resampling: Resampling): Estimate {
  const [ofA, ofB] = resampledAurocs([a, b], resampling) as [Float64Array, Float64Array];
  const differences = ofA.map((auroc, r) => auroc - (ofB[r] as number));
  return { value: auroc(a.in, a.out) - auroc(b.in, b.out), ...interval(differences) };
}

/**
 * `evaluate(counts)` for every resample; `counts[row]` = how often a row was drawn. The array is
 * used again: do not keep it.
 */
function resample<T>(
  { inCount, outCount }: Ranking,
  { seed, resamples = 1000, inName = 'in', outName = 'out' }: Resampling,
  evaluate: (counts: Uint32Array) => T,
): T[] {
  if (!Number.isInteger(resamples) || resamples < 1) {
    throw new FisherlabError(
      `${resamples} is no number of resamples`,
      'choose a whole number, 1000 for a 95 % interval',
    );
  }
  // A set may be in distribution in one pair and out of it in another, but then other batches of
  // it: the side is part of the stream.
  const inSeed = deriveSeed(seed, 0, ...codes(inName));
  const outSeed = deriveSeed(seed, 1, ...codes(outName));
  const counts = new Uint32Array(inCount + outCount);
  return Array.from({ length: resamples }, (_, r) => {
    counts.set(drawCounts(inCount, deriveSeed(inSeed, r)));
    counts.set(drawCounts(outCount, deriveSeed(outSeed, r)), inCount);
    return evaluate(counts);
  });
}

const codes = (name: string) => Array.from(name, (letter) => letter.codePointAt(0) as number);
