/**
 * # Distance to the k-th nearest neighbour
 *
 * Ramaswamy, Rastogi, Shim, *Efficient algorithms for mining outliers from large data sets* (SIGMOD
 * 2000); for deep features Sun et al., *Out-of-distribution detection with deep nearest neighbors*
 * (ICML 2022, arXiv 2204.06507). Columns are standardised on the fit set; the score of a row is its
 * Euclidean distance to the k-th nearest row of the fit set:
 *
 *     S(x) = ‖z(x) − z_(k)‖.
 *
 * No density, no independence: where one common factor moves all layers together (how busy an image
 * is) the rows of the fit set lie along it, and a row beside it is far from all of them, though no
 * single column is unusual.
 *
 * The search is exact. A distance is given up as soon as it exceeds the k-th best so far. Scoring
 * the fit set itself finds each row as its own neighbour at distance 0: hold rows out.
 */
import { FisherlabError } from '../errors';
import { type Combiner, combine, log } from './combine';
import type { Detector } from './detector';
import { type Points, point, squaredDistance, standardiseBy } from './matrix';

/**
 * @param k which neighbour counts, 5 by default
 * @throws {FisherlabError} (at the fit) if k is not a whole number from 1 to the rows to learn from
 */
export function nearestNeighbours(k = 5): Combiner {
  return {
    name: `${k} nearest neighbours`,
    fit(columns) {
      const standardise = standardiseBy(columns);
      const distances = distancesTo(standardise(columns), k);
      return (given) => distances(standardise(given));
    },
  };
}

/**
 * Distances of points to their k-th nearest among known ones.
 * @throws {FisherlabError} if k is not a whole number from 1 to the number of known points
 */
export function distancesTo(known: Points, k: number): (points: Points) => Float64Array {
  if (!Number.isInteger(k) || k < 1 || k > known.n) {
    throw new FisherlabError(
      `there is no neighbour number ${k} among ${known.n} batches`,
      'choose k from 1 to the size of the fit set',
    );
  }
  const neighbours = Array.from({ length: known.n }, (_, i) => point(known, i)); // n × [d]
  return (points) =>
    Float64Array.from({ length: points.n }, (_, i) => kthDistance(point(points, i), neighbours, k));
}

function kthDistance(x: Float64Array, neighbours: readonly Float64Array[], k: number): number {
  const best = new Float64Array(k).fill(Infinity); // squared, upwards
  for (const neighbour of neighbours) {
    const squared = squaredDistance(x, neighbour, best[k - 1] as number);
    let place = k - 1;
    if (squared >= (best[place] as number)) continue;
    for (; place > 0 && (best[place - 1] as number) > squared; place--)
      best[place] = best[place - 1] as number;
    best[place] = squared;
  }
  return Math.sqrt(best[k - 1] as number);
}

export function layerwiseNeighbours(k = 5, feature = 'squared-norm'): Detector {
  return combine([log(feature)], nearestNeighbours(k), `layer-wise ${k} nearest neighbours`);
}
