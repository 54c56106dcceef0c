/**
 * # Whitened principal components
 *
 * Standardised columns z are turned into the directions in which the fit set varies most (Pearson
 * 1901; Jolliffe, *Principal Component Analysis*, 2002), each divided by its own standard
 * deviation, and the rest is left out:
 *
 *     S = ½ Σ_{k ≤ K} (v_kᵀ z)²/λ_k,
 *
 * with λ_k and v_k the k-th largest eigenvalue of the covariance of z and its eigenvector.
 *
 * One common factor that carries half the variance of all layers then counts once, not once for
 * each layer. Shares with `shrunk-gaussian.ts` the Mahalanobis distance, but trusts the K largest
 * directions fully and the others not at all.
 *
 * With fewer rows than columns the eigenvectors come from the n × n matrix of inner products of
 * rows, which has the same eigenvalues. Directions in which the fit set does not vary (λ_k below
 * 10⁻¹⁰ λ_1: collinear columns, few rows) are left out, so there may be fewer than K.
 */
import { FisherlabError } from '../errors';
import { symmetricEigenvectors } from '../numerics/index';
import { type Combiner, combine, log } from './combine';
import type { Detector } from './detector';
import { dot, gram, type Points, point, standardiseBy, transpose } from './matrix';

/**
 * Directions v_k divided by √λ_k: the whitened coordinates of z are their inner products with it.
 * At most `count` × [d].
 */
export function whiteningDirections(points: Points, count: number): Float64Array[] {
  const { n, d } = points;
  const byRows = n < d;
  const columns = transpose(points);
  const symmetric = gram(byRows ? points : columns, n - 1);
  const found = symmetricEigenvectors(symmetric, byRows ? n : d);
  const threshold = 1e-10 * (found[0]?.value ?? 0);
  return found
    .slice(0, count)
    .filter(({ value }) => value > threshold)
    .map(({ value, vector }) => {
      if (!byRows) return vector.map((v) => v / Math.sqrt(value)); // [d]
      // Rows' eigenvector a: v = Zᵀa/√(λ (n−1)) is the unit eigenvector of the covariance.
      const scale = value * Math.sqrt(n - 1);
      const coordinate = (_: unknown, j: number) => dot(point(columns, j), vector) / scale;
      return Float64Array.from({ length: d }, coordinate); // [d]
    });
}

/**
 * @param count K, the number of components, 50 by default
 * @throws {FisherlabError} if K is not a positive whole number
 */
export function principalComponents(count = 50): Combiner {
  if (!Number.isInteger(count) || count < 1) {
    throw new FisherlabError(`${count} is no number of principal components`, 'choose 1 or more');
  }
  return {
    name: `${count} principal components`,
    fit(columns) {
      const standardise = standardiseBy(columns);
      const directions = whiteningDirections(standardise(columns), count);
      return (given) => {
        const points = standardise(given);
        return Float64Array.from({ length: points.n }, (_, i) =>
          directions.reduce(
            (sum, direction) => sum + 0.5 * dot(direction, point(points, i)) ** 2,
            0,
          ),
        );
      };
    },
  };
}

export function layerwisePrincipalComponents(count = 50, feature = 'squared-norm'): Detector {
  return combine(
    [log(feature)],
    principalComponents(count),
    `layer-wise ${count} principal components`,
  );
}
