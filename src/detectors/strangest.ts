/**
 * # The strangest of several answers
 *
 * No detector sees everything: a blurred stranger changes the likelihood and hardly the shape of
 * the gradient, a stranger of ordinary likelihood the gradient alone. Several detectors are asked,
 * and the one that finds a batch *strangest* decides:
 *
 *     S = max_k (s_k − m_k)/h_k,
 *
 * with m_k the median of detector k's score over in-distribution batches, and h_k from there to the
 * 84th percentile: one standard deviation where scores are normal, and blind to what a few odd
 * batches do to the tail. The maximum is Tippett's combination of tests (*The Methods of
 * Statistics*, 1931) without its p-values, which run out of digits where batches get interesting:
 * the union of the detectors' regions of rejection, not a compromise between them.
 *
 * A detector knows the batches it was fitted on too well: their scores are too low, the more so the
 * more numbers it has learnt. So m and h are taken *across*: each half of the fit set is scored by
 * a detector that was fitted on the other half. The detectors that score new batches are fitted on
 * both.
 */
import { FisherlabError } from '../errors';
import { quantileOfSorted } from '../numerics/index';
import type { Detector } from './detector';
import { type FeatureTable, sliceRows } from './table';

/** Where Φ is one standard deviation above the mean. */
const ONE_SIGMA = 0.8413;

/**
 * @param detectors at least one
 * @throws {FisherlabError} if there is none; at the fit, if a detector's scores do not vary over
 *   the fit set, or a detector cannot be fitted on half of it
 */
export function strangestOf(
  detectors: readonly Detector[],
  name = `strangest of ${names(detectors)}`,
): Detector {
  if (detectors.length === 0)
    throw new FisherlabError(`'${name}' asks no detector`, 'name at least one');
  return {
    name,
    fit(inDistribution) {
      const judges = detectors.map((detector) => ({
        fitted: detector.fit(inDistribution),
        ...scale(detector, inDistribution),
      }));
      return {
        score(table) {
          const strangest = new Float64Array(table.rows).fill(-Infinity);
          for (const { fitted, median, spread } of judges) {
            fitted.score(table).forEach((score, row) => {
              strangest[row] = Math.max(strangest[row] as number, (score - median) / spread);
            });
          }
          return strangest;
        },
      };
    },
  };
}

/** Median and upper spread of a detector's scores of batches it was not fitted on. */
function scale(detector: Detector, table: FeatureTable): { median: number; spread: number } {
  const middle = Math.round(table.rows / 2);
  const [first, second] = [sliceRows(table, 0, middle), sliceRows(table, middle, table.rows)];
  const scores = Float64Array.from([
    ...detector.fit(first).score(second),
    ...detector.fit(second).score(first),
  ]).sort();
  const median = quantileOfSorted(scores, 0.5);
  const spread = quantileOfSorted(scores, ONE_SIGMA) - median;
  if (!(spread > 0)) {
    throw new FisherlabError(
      `the scores of '${detector.name}' do not vary over the ${table.rows} batches of the fit set`,
      'give batches that differ, or leave that detector out',
    );
  }
  return { median, spread };
}

const names = (detectors: readonly Detector[]) => detectors.map(({ name }) => name).join(', ');
