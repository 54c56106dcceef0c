/**
 * # A few common factors, counted once
 *
 * Log norms of neighbouring layers rise and fall together: one factor, how busy an image is,
 * carries much of their variance, and a sum of squared z counts it once for each layer.
 * Probabilistic principal components (Tipping & Bishop, J. R. Statist. Soc. B 61, 1999) are a
 * normal density of standardised columns z [d] with K common factors; the remainder is noise of the
 * same size in all directions:
 *
 *     Σ = Σ_{k≤K} λ_k v_k v_kᵀ + σ² (I − Σ_{k≤K} v_k v_kᵀ),     σ² = (tr S − Σ_{k≤K} λ_k)/(d − K),
 *
 * with λ_k, v_k the largest eigenvalues and eigenvectors of the covariance S: its
 * maximum-likelihood estimate. The score is half the squared Mahalanobis distance,
 *
 *     ½ Σ_{k≤K} (v_kᵀz)²/λ_k + ½ ‖z − Σ_{k≤K} v_k v_kᵀ z‖²/σ²,
 *
 * a factor counting as *one* number, and the remainder as d − K. With K = 0 these are the paper's
 * independent normals; whitened principal components (`principal-components.ts`) leave the second
 * term out, and the shrunk Gaussian trusts every direction a little.
 */
import { FisherlabError } from '../errors';
import { type Combiner, combine, log } from './combine';
import type { Detector } from './detector';
import { dot, point, standardiseBy } from './matrix';
import { whiteningDirections } from './principal-components';

/**
 * @param count K, 1 by default
 * @throws {FisherlabError} if K is not a whole number from 0 on; at the fit, if K is not below the
 *   number of columns, or the columns leave no remainder
 */
export function commonFactors(count = 1): Combiner {
  if (!Number.isInteger(count) || count < 0)
    throw new FisherlabError(`${count} is no number of common factors`, 'choose 0, 1 or a few');
  const name = count === 1 ? 'one common factor' : `${count} common factors`;
  return {
    name,
    fit(columns) {
      const standardise = standardiseBy(columns);
      const known = standardise(columns);
      if (count >= known.d)
        throw new FisherlabError(
          `${known.d} columns have no ${count} factors in common`,
          'choose fewer factors than columns',
        );
      const factors = whiteningDirections(known, count).map((direction) => {
        const root = Math.sqrt(dot(direction, direction)); // 1/√λ
        return { direction: direction.map((x) => x / root), variance: 1 / root ** 2 };
      });
      // The trace of the covariance of standardised columns is their number.
      const left = known.d - factors.reduce((sum, { variance }) => sum + variance, 0);
      const noise = left / (known.d - factors.length);
      if (!(noise > 1e-10))
        throw new FisherlabError(
          `nothing is left of the ${known.n} batches of the fit set beside ${name}`,
          'choose fewer factors or give more batches',
        );
      return (given) => {
        const points = standardise(given);
        return Float64Array.from({ length: points.n }, (_, i) => {
          const rest = Float64Array.from(point(points, i)); // z, and what the factors leave of it
          let score = 0;
          for (const { direction, variance } of factors) {
            const along = dot(direction, rest);
            score += (0.5 * along * along) / variance;
            for (let j = 0; j < rest.length; j++)
              rest[j] = (rest[j] as number) - along * (direction[j] as number);
          }
          return score + (0.5 * dot(rest, rest)) / noise;
        });
      };
    },
  };
}

/** Common factors of the log squared norms of all layers. */
export function layerwiseFactors(count: number): Detector {
  const factors = commonFactors(count);
  return combine([log('squared-norm')], factors, `layer-wise ${factors.name}`);
}
