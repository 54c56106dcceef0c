/**
 * # The strangest of several answers
 *
 * No detector sees everything: a blurred image changes the likelihood and hardly the shape of the
 * gradient; another image may have an ordinary likelihood and an unusual gradient. Several
 * detectors score a batch, and the one that finds it *strangest* decides:
 *
 *     S = max_k (s_k − m_k)/h_k,
 *
 * with m_k the median of detector k's score over in-distribution batches, and h_k the distance from
 * there to the 84th percentile. That is one standard deviation if scores are normal, and a few odd
 * batches in the tail do not affect it. The maximum is Tippett's combination of tests (*The Methods
 * of Statistics*, 1931) without p-values, which have too few digits for very strange batches: it
 * rejects whatever one of the detectors rejects, and is not a compromise between them.
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
