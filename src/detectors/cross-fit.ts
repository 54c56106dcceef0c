/**
 * # Scores of familiar batches that a detector was not fitted on
 *
 * The scores of the batches that a detector was fitted on are too low, and the more parameters it
 * has, the lower they are. To find out how its scores are distributed *in distribution*, each half
 * of the fit set is scored by a detector that was fitted on the other half (cross-fitting; Stone,
 * *Cross-validatory choice and assessment of statistical predictions*, J. R. Statist. Soc. B 36,
 * 1974).
 */
import { FisherlabError } from '../errors';
import { quantileOfSorted } from '../numerics/index';
import type { Detector, FittedDetector } from './detector';
import { type FeatureTable, sliceRows } from './table';

/** Where Φ is one standard deviation above the mean. */
const ONE_SIGMA = 0.8413;

export interface CrossFit {
  /** Scores of all batches of the fit set, upwards. */
  readonly sorted: Float64Array;
  readonly median: number;
  /** From the median to the 84th percentile: one standard deviation where scores are normal. */
  readonly spread: number;
}

/** @throws {FisherlabError} if the scores do not vary, or half of the batches do not fit it */
export function crossFit(detector: Detector, table: FeatureTable): CrossFit {
  const middle = Math.round(table.rows / 2);
  const [first, second] = [sliceRows(table, 0, middle), sliceRows(table, middle, table.rows)];
  const sorted = Float64Array.from([
    ...detector.fit(first).score(second),
    ...detector.fit(second).score(first),
  ]).sort();
  const median = quantileOfSorted(sorted, 0.5);
  const spread = quantileOfSorted(sorted, ONE_SIGMA) - median;
  if (!(spread > 0)) {
    throw new FisherlabError(
      `the scores of '${detector.name}' do not vary over the ${table.rows} batches of the fit set`,
      'give batches that differ, or leave that detector out',
    );
  }
  return { sorted, median, spread };
}

/** A detector that was fitted on all of the fit set, and how its scores are spread across it. */
export interface Judge extends CrossFit {
  readonly fitted: FittedDetector;
}

/**
 * A detector that asks several others.
 * @param asked at least one
 * @param score what is made of their answers, [rows]
 * @throws {FisherlabError} if nobody is asked; at the fit, as {@link crossFit}
 */
export function askAll(
  name: string,
  asked: readonly Detector[],
  score: (judges: readonly Judge[], table: FeatureTable) => Float64Array,
): Detector {
  if (asked.length === 0)
    throw new FisherlabError(`'${name}' asks no detector`, 'name at least one');
  return {
    name,
    fit(inDistribution) {
      const judges = asked.map((detector) => ({
        fitted: detector.fit(inDistribution),
        ...crossFit(detector, inDistribution),
      }));
      return { score: (table) => score(judges, table) };
    },
  };
}
