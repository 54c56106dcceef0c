/**
 * # One normal density with a shrunk covariance
 *
 * Layers are not independent; a normal density with a full covariance takes their correlations into
 * account. With more columns than rows the sample covariance S is singular, and with not many more
 * rows it is unreliable. Ledoit and Wolf, *A well-conditioned estimator for large-dimensional
 * covariance matrices* (J. Multivariate Anal. 88, 2004) mix it with a multiple of the identity, and
 * estimate from the data how much of it:
 *
 *     Σ = (1 − δ) S + δ m I,   m = tr S/d,   δ = min(b², a²)/a²,
 *     a² = ‖S − m I‖²/d,   b² = (1/(d n²)) Σ_i ‖x_i x_iᵀ − S‖².
 *
 * Columns are standardised first, so that the identity is a fair thing to shrink to. The score is
 * half the squared Mahalanobis distance, ½ zᵀ Σ⁻¹ z: minus the log density, less a constant.
 */
import { cholesky } from '../numerics/index';
import { type Combiner, combine, log } from './combine';
import type { Detector } from './detector';
import { dot, gram, type Points, point, standardiseBy, transpose } from './matrix';

/** The shrunk covariance [d × d] of centred points, and δ in [0, 1]. */
export function ledoitWolf(points: Points): { covariance: Float64Array; shrinkage: number } {
  const { n, d } = points;
  const covariance = gram(transpose(points), n); // S [d, d]
  let trace = 0;
  for (let j = 0; j < d; j++) trace += covariance[j * d + j] as number;
  const m = trace / d;
  const squaredS = dot(covariance, covariance);
  let fourth = 0; // Σ_i ‖x_i‖⁴
  for (let i = 0; i < n; i++) fourth += dot(point(points, i), point(points, i)) ** 2;
  const a2 = squaredS / d - m * m;
  const b2 = (fourth / n - squaredS) / (n * d);
  const shrinkage = a2 > 0 ? Math.min(1, Math.max(0, b2) / a2) : 0;
  for (let k = 0; k < d * d; k++) covariance[k] = (1 - shrinkage) * (covariance[k] as number);
  for (let j = 0; j < d; j++)
    covariance[j * d + j] = (covariance[j * d + j] as number) + shrinkage * m;
  return { covariance, shrinkage };
}

/**
 * Half the squared Mahalanobis distance under the shrunk covariance.
 * @throws {FisherlabError} when fitted, if the covariance is singular even so (two rows)
 */
export function shrunkGaussian(): Combiner {
  return {
    name: 'shrunk Gaussian',
    fit(columns) {
      const standardise = standardiseBy(columns);
      const known = standardise(columns);
      const lower = cholesky(
        ledoitWolf(known).covariance,
        known.d,
        `the covariance of ${known.d} columns`,
        'give more batches to learn from, or fewer columns',
      );
      return (given) => {
        const points = standardise(given);
        return Float64Array.from({ length: points.n }, (_, i) =>
          halfSquaredNorm(lower, point(points, i)),
        );
      };
    },
  };
}

/** ½ ‖L⁻¹ z‖² of L [d × d], by forward substitution. */
function halfSquaredNorm(lower: Float64Array, z: Float64Array): number {
  const d = z.length;
  const solved = new Float64Array(d);
  for (let j = 0; j < d; j++) {
    const row = lower.subarray(j * d, (j + 1) * d);
    solved[j] = ((z[j] as number) - dot(row, solved, j)) / (row[j] as number);
  }
  return 0.5 * dot(solved, solved);
}

export function layerwiseShrunkGaussian(feature = 'squared-norm'): Detector {
  return combine([log(feature)], shrunkGaussian(), 'layer-wise shrunk Gaussian');
}
