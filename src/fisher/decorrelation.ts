/**
 * # Are layers correlated?
 *
 * The paper multiplies densities of layers as if log f_i and log f_j were independent, because
 * their correlation falls quickly with the distance |i − j| (its figure 5, from 400 random layers).
 * Here the average is over all pairs at a distance,
 *
 *     r(d) = mean over j of corr(log f_j, log f_{j+d}),  (eq:decorrelation)
 *
 * with bootstrap intervals over images. A correlation of n images has a noise of 1/√n of either
 * sign, and averages of |r| would have a floor; r(d) has none. What remains at large distances is
 * common to the whole model: how busy an image is. The largest eigenvalue's share of the trace of
 * the correlation matrix is the part of the variance that one such common factor explains.
 */

import { at, matMul, numbersOf, pair, tf } from '../backend/index';
import { FisherlabError } from '../errors';
import {
  bootstrapCounts,
  type Estimate,
  intervalOf,
  symmetricEigenvalues,
} from '../numerics/index';

export interface Decorrelation {
  /** r(0) = 1, r(1), …, r(maxLag). */
  readonly byLag: readonly Estimate[];
  /** Mean correlation of all pairs of different layers. */
  readonly overall: Estimate;
  /**
   * Share of the variance of standardised log norms that the first principal component explains.
   */
  readonly commonShare: number;
  /** Correlations [J × J], row-major, of the J columns that vary. */
  readonly matrix: Float64Array;
  readonly layers: number;
}

/**
 * @param columns log norms, one column a layer in the model's order, one value an image (or batch);
 *   constant columns are left out
 * @throws {FisherlabError} if fewer than two columns vary, or a value is not finite
 */
export function decorrelation(
  columns: readonly ArrayLike<number>[],
  { seed, maxLag = 300, resamples = 100 }: { seed: number; maxLag?: number; resamples?: number },
): Decorrelation {
  const units = columns.map(standardise).filter((column) => column !== null);
  const J = units.length;
  if (J < 2)
    throw new FisherlabError(
      `${J} of ${columns.length} layers vary`,
      'correlations need at least two',
    );
  const n = at(units, 0).length;
  const longest = Math.min(maxLag, J - 1);
  const flat = new Float32Array(J * n);
  for (const [j, unit] of units.entries()) flat.set(unit, j * n);
  const counts = bootstrapCounts(n, resamples, seed);
  const Z = tf.tensor2d(flat, [J, n]); // [J, n]
  const correlations = (weights: Float32Array): Float64Array => {
    const [moments, means] = tf.tidy(() => {
      const w = tf.tensor2d(weights, [1, n]);
      const weighted = tf.mul(Z, w); // [J, n]
      return pair([numbersOf(matMul(weighted, Z, false, true)), numbersOf(tf.sum(weighted, 1))]);
    });
    return correlationMatrix(moments, means, n, J);
  };
  try {
    const matrix = correlations(new Float32Array(n).fill(1));
    const summaries = Array.from({ length: resamples }, (_, r) =>
      lagMeans(correlations(counts.slice(r * n, (r + 1) * n)), J, longest),
    );
    const own = lagMeans(matrix, J, longest);
    return {
      byLag: own.byLag.map((value, d) =>
        intervalOf(
          value,
          summaries.map(({ byLag }) => at(byLag, d)),
        ),
      ),
      overall: intervalOf(
        own.overall,
        summaries.map(({ overall }) => overall),
      ),
      commonShare: at(symmetricEigenvalues(matrix, J), 0) / J,
      matrix,
      layers: J,
    };
  } finally {
    Z.dispose();
  }
}

/** Mean 0, deviation 1; null for a constant column. */
function standardise(values: ArrayLike<number>): Float32Array | null {
  const n = values.length;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += at(values, i) / n;
  let variance = 0;
  for (let i = 0; i < n; i++) variance += (at(values, i) - mean) ** 2 / n;
  if (!Number.isFinite(variance))
    throw new FisherlabError('a log norm is not finite', 'look for norms of 0, or damaged weights');
  if (variance < 1e-20) return null;
  return Float32Array.from({ length: n }, (_, i) => (at(values, i) - mean) / Math.sqrt(variance));
}

/** From weighted sums of products [J × J] and of values [J], the weights adding up to n. */
function correlationMatrix(
  moments: Float32Array,
  sums: Float32Array,
  n: number,
  J: number,
): Float64Array {
  const deviation = Array.from({ length: J }, (_, j) =>
    Math.sqrt((moments[j * J + j] as number) / n - ((sums[j] as number) / n) ** 2),
  );
  return Float64Array.from({ length: J * J }, (_, k) => {
    const [i, j] = [Math.floor(k / J), k % J];
    const covariance =
      (moments[k] as number) / n - ((sums[i] as number) / n) * ((sums[j] as number) / n);
    return covariance / ((deviation[i] as number) * (deviation[j] as number));
  });
}

function lagMeans(
  matrix: Float64Array,
  J: number,
  maxLag: number,
): { byLag: number[]; overall: number } {
  const byLag = Array.from({ length: maxLag + 1 }, (_, d) => {
    let sum = 0;
    for (let j = 0; j + d < J; j++) sum += matrix[j * J + j + d] as number;
    return sum / (J - d);
  });
  let all = 0;
  for (let k = 0; k < matrix.length; k++) all += matrix[k] as number;
  return { byLag, overall: (all - J) / (J * (J - 1)) };
}
