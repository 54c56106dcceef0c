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
 * m and h are taken across halves of the fit set (`cross-fit.ts`); the detectors that score new
 * batches are fitted on both.
 */
import { askAll } from './cross-fit';
import type { Detector } from './detector';

/**
 * @param detectors at least one
 * @throws {FisherlabError} if there is none; at the fit, if a detector's scores do not vary over
 *   the fit set, or a detector cannot be fitted on half of it
 */
export function strangestOf(
  detectors: readonly Detector[],
  name = `strangest of ${names(detectors)}`,
): Detector {
  return askAll(name, detectors, (judges, table) => {
    const strangest = new Float64Array(table.rows).fill(-Infinity);
    for (const { fitted, median, spread } of judges) {
      fitted.score(table).forEach((score, row) => {
        strangest[row] = Math.max(strangest[row] as number, (score - median) / spread);
      });
    }
    return strangest;
  });
}

const names = (detectors: readonly Detector[]) => detectors.map(({ name }) => name).join(', ');
