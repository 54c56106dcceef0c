/**
 * # Neighbours, half whitened
 *
 * One common factor, how busy an image is, carries most of the variance of all layers. A Euclidean
 * distance of standardised columns is mostly a distance along this factor; a Mahalanobis distance
 * gives every direction the same weight, directions of pure noise included. In between, directions
 * are divided by a power of their standard deviation √λ: with Σ = V diag(λ) Vᵀ the shrunk
 * covariance of the standardised columns (Ledoit & Wolf, `shrunk-gaussian.ts`),
 *
 *     u = diag(λ)^(−a/2) Vᵀ z,     S(x) = ‖u(x) − u_(k)‖,
 *
 * the distance to the k-th nearest row of the fit set. a = 0 are plain neighbours
 * (`nearest-neighbours.ts`), a = 1 whitens fully (Kessy, Lewin, Strimmer, *Optimal whitening and
 * decorrelation*, Am. Stat. 72, 2018), and a = ½ lies half-way between the two.
 */
import { FisherlabError } from '../errors';
import { symmetricEigenvectors } from '../numerics/index';
import { type Combiner, combine, raw } from './combine';
import type { Detector } from './detector';
import { dot, type Points, point, standardiseBy } from './matrix';
import { distancesTo } from './nearest-neighbours';
import { ledoitWolf } from './shrunk-gaussian';

/** Directions that vary less than this share of the most varying one are left out. */
const RANK = 1e-10;

/**
 * @param whitening a, from 0 (not at all) to 1 (fully)
 * @param k which neighbour counts
 * @throws {FisherlabError} if a is not between 0 and 1; at the fit, as `nearestNeighbours`
 */
export function whitenedNeighbours(whitening = 0.5, k = 5): Combiner {
  if (!(whitening >= 0 && whitening <= 1))
    throw new FisherlabError(
      `columns cannot be whitened by ${whitening}`,
      'give a number from 0 (not at all) to 1 (fully)',
    );
  return {
    name: `${k} nearest neighbours, whitened by ${whitening}`,
    fit(columns) {
      const standardise = standardiseBy(columns);
      const known = standardise(columns);
      const directions = symmetricEigenvectors(ledoitWolf(known).covariance, known.d);
      const least = RANK * (directions[0]?.value ?? 0);
      const scaled = directions
        .filter(({ value }) => value > least)
        .map(({ value, vector }) => vector.map((v) => v * value ** (-whitening / 2)));
      const whiten = (points: Points): Points => {
        const values = new Float64Array(points.n * scaled.length); // [n × d]
        for (let i = 0; i < points.n; i++)
          for (const [e, direction] of scaled.entries())
            values[i * scaled.length + e] = dot(direction, point(points, i));
        return { n: points.n, d: scaled.length, values };
      };
      const distances = distancesTo(whiten(known), k);
      return (given) => distances(whiten(standardise(given)));
    },
  };
}

/**
 * Half-whitened neighbours of the mean log norms of all layers and, as one column more, the
 * log-likelihood: one detector for every family, with nothing to tune.
 */
export function neighboursOfMeans(): Detector {
  return combine(
    [raw('mean-log-norm'), raw('log-likelihood')],
    whitenedNeighbours(),
    'neighbours of mean log norms and likelihood',
  );
}
