/**
 * # The spectrum of a layer's block of F
 *
 * With the gradients of N samples as rows of G [N, |θ_j|], the block is F̂_j = GᵀG/N, |θ_j|×|θ_j|.
 * It shares its nonzero eigenvalues with the Gram matrix K = GGᵀ/N, N×N, so the larger matrix is
 * never made: the smaller of the two is decomposed. At most N eigenvalues of a block can be
 * seen with N samples; the largest ones come out too large, the others too small.
 *
 * The paper models f_j/σ_j² as χ² with |θ_j| degrees of freedom, which is right for F_j = σ_j² I.
 * For gradients g ~ N(0, F_j), E f_j = tr F_j and Var f_j = 2 tr F_j², the variance of a χ² with
 * the *effective* number
 *
 *     ν_j = (tr F_j)² / tr F_j²   ≤ |θ_j|.  (eq:degrees)
 *
 * Plugging F̂ in would be wrong: tr F̂² holds N squares ‖g_n‖⁴/N² that are no products of different
 * samples, and can never show more than N degrees of freedom. Products of *different* samples are
 * unbiased,
 *
 *     tr F²  ←  mean_{n≠m} (g_n·g_m)²,       (tr F)²  ←  mean_{n≠m} ‖g_n‖² ‖g_m‖²
 *
 * (U-statistics, Hoeffding 1948).
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, lengthOf, matMul, numberOf, numbersOf, shape2, tf } from '../backend/index';
import type { Model } from '../models/index';
import {
  bootstrapCounts,
  type Estimate,
  intervalOf,
  symmetricEigenvalues,
} from '../numerics/index';
import type { Draws } from './draws';
import { forEachLayer, type GradientOptions } from './passes';

export interface LayerSpectrum {
  readonly name: string;
  /** |θ_j|. */
  readonly size: number;
  readonly samples: number;
  /** Eigenvalues of F̂_j, largest first: min(N, |θ_j|) of them. */
  readonly eigenvalues: Float64Array;
  /** tr F̂_j. */
  readonly trace: number;
  /** tr F_j², unbiased; may come out negative where it is drowned in noise. */
  readonly traceOfSquare: number;
  /** ν_j with its bootstrap interval over samples. NaN for a layer without gradients. */
  readonly degrees: Estimate;
}

export interface SpectraOptions extends GradientOptions {
  /** Seeds the bootstrap. */
  readonly seed: number;
  readonly resamples?: number;
}

/**
 * Spectra of all layers' blocks. Memory: gradients of as many layers as `memory` allows at a time.
 * @throws {FisherlabError} if a single layer does not fit in memory
 * @throws the reason of `signal`, once it is aborted
 */
export async function spectra(
  model: Model,
  draws: Draws,
  { seed, resamples = 200, ...options }: SpectraOptions,
): Promise<LayerSpectrum[]> {
  const counts = tf.tensor2d(bootstrapCounts(draws.count, resamples, seed), [
    resamples,
    draws.count,
  ]); // [R, N]
  const found: LayerSpectrum[] = [];
  try {
    await forEachLayer(
      model,
      draws,
      (layer, gradients) => {
        found.push({
          name: layer.name,
          size: layer.variable.size,
          samples: draws.count,
          ...spectrumOf(gradients, counts),
        });
      },
      options,
    );
  } finally {
    counts.dispose();
  }
  return found;
}

/**
 * Of gradients [N, P]: eigenvalues of GᵀG/N and effective degrees of freedom, resampled by `counts`
 * [R, N].
 */
function spectrumOf(
  gradients: Tensor,
  counts: Tensor,
): Omit<LayerSpectrum, 'name' | 'size' | 'samples'> {
  const [N, P] = shape2(gradients, 'spectrum');
  const { gram, small, degrees } = tf.tidy(() => {
    const norms = tf.sum(tf.square(gradients), 1); // [N]
    // In units of the mean squared norm: fourth powers of gradients leave the range of float32.
    const mean = tf.mean(norms);
    const unit = tf.maximum(mean, 1e-30);
    const gram = tf.div(matMul(gradients, gradients, false, true), unit); // [N, N]
    const offDiagonal = tf.sub(tf.onesLike(gram), tf.eye(N));
    const squares = tf.mul(tf.square(gram), offDiagonal); // (g_n·g_m)² of n ≠ m
    const relative = tf.div(norms, unit);
    const products = tf.mul(
      tf.mul(tf.expandDims(relative, 1), tf.expandDims(relative, 0)),
      offDiagonal,
    ); // ‖g_n‖²‖g_m‖²
    // Σ_nm w_n w_m pairs_nm, one number a row of w: [R].
    const weighted = (pairs: Tensor, w: Tensor) => tf.sum(tf.mul(matMul(w, pairs), w), 1);
    const all = tf.concat([tf.ones([1, N]), counts], 0); // [1 + R, N]
    return {
      gram,
      small: P < N ? tf.div(matMul(gradients, gradients, true), tf.mul(unit, N)) : tf.div(gram, N),
      degrees: tf.stack([weighted(products, all), weighted(squares, all)]), // [2, 1 + R]
    };
  });
  const unit = tf.tidy(() => numberOf(tf.mean(tf.sum(tf.square(gradients), 1))));
  const side = lengthOf(small);
  const [values, ratio] = [numbersOf(small), numbersOf(degrees)];
  tf.dispose([gram, small, degrees]);
  const R = ratio.length / 2;
  const nu = Array.from({ length: R }, (_, r) => at(ratio, r) / at(ratio, R + r));
  return {
    eigenvalues: symmetricEigenvalues(values, side).map((value) => value * unit),
    trace: unit,
    traceOfSquare: (at(ratio, R) / (N * (N - 1))) * unit * unit,
    degrees: intervalOf(at(nu, 0), nu.slice(1)),
  };
}
