/**
 * # The exact damped score statistic of a layer
 *
 * With reference gradients as rows of R [N, |θ|], F̂ = RᵀR/N has rank N at most, and Woodbury's
 * identity turns its damped inverse into one of an N×N matrix. For a gradient g,
 *
 *     h = R g,   c = (NλI + RRᵀ)⁻¹ h,   x = g − Rᵀc = λ (F̂ + λI)⁻¹ g,
 *
 *     gᵀ (F̂ + λI)⁻¹ g = ‖x‖²/λ + N‖c‖².  (eq:score-norm)
 *
 * The last line is the same number as (‖g‖² − hᵀc)/λ, but a sum of squares instead of a difference
 * of two numbers that agree in most digits: λ is a thousandth and less of the largest eigenvalue,
 * and gradients are float32. Where |θ| ≤ N the |θ|×|θ| matrix is the smaller one: with F̂ + λI = L
 * Lᵀ the statistic is ‖L⁻¹g‖². Inverses are computed in float64.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { matMul, numberOf, shape2, squaredNormOfRows, tf } from '../backend/index';
import type { Model } from '../models/index';
import { inverseCholesky, shifted } from '../numerics/index';
import type { Draws } from './draws';
import {
  DAMPING,
  dampingOf,
  type FittedFeature,
  type FittedLayer,
  fittedFeature,
} from './fitted-feature';
import { forEachLayer, type GradientOptions } from './passes';

export interface DampedOptions extends GradientOptions {
  /** λ_j in units of tr F_j / min(N, |θ_j|). Default 0.01. */
  readonly damping?: number;
}

/**
 * Feature `damped-fisher-norm`, fitted on the gradients of `draws`. It holds them all, 4·N·Σ|θ_j|
 * bytes: the memory of `options` is for fitting.
 * @throws {FisherlabError} if a layer's gradients do not fit in memory, or the damping is not above
 *   0
 * @throws the reason of `signal`, once it is aborted
 */
export async function dampedFisherNorm(
  model: Model,
  draws: Draws,
  { damping = DAMPING, ...options }: DampedOptions = {},
): Promise<FittedFeature> {
  const layers = new Map<string, FittedLayer | null>();
  const feature = fittedFeature('damped-fisher-norm', layers);
  try {
    await forEachLayer(
      model,
      draws,
      (layer, gradients) => layers.set(layer.name, fitLayer(gradients, damping)),
      options,
    );
    return feature;
  } catch (error) {
    feature.dispose(); // what was fitted before
    throw error;
  }
}

/** The statistic for one layer, from its reference gradients [N, P]; null where they are all 0. */
export function fitLayer(gradients: Tensor, damping: number): FittedLayer | null {
  const [N, P] = shape2(gradients, 'damped norm');
  const trace = tf.tidy(() => numberOf(tf.sum(tf.square(gradients))) / N);
  if (trace === 0) return null;
  const lambda = dampingOf(damping, trace, N, P);
  if (P <= N) {
    const F = tf.tidy(() => tf.div(matMul(gradients, gradients, true), N).dataSync()); // [P, P]
    const whiten = tf.keep(
      tf.tensor2d(Float32Array.from(inverseCholesky(shifted(F, P, lambda), P)), [P, P]),
    );
    return {
      tensors: [whiten],
      of: (gradient, B) => squaredNormOfRows(matMul(gradient.instantiate(B), whiten, false, true)),
    };
  }
  // In units of Nλ: M = (I + RRᵀ/(Nλ))⁻¹ has entries of size 1 at most.
  const gram = tf.tidy(() =>
    tf.div(matMul(gradients, gradients, false, true), N * lambda).dataSync(),
  ); // [N, N]
  const factor = Float32Array.from(inverseCholesky(shifted(gram, N, 1), N));
  const { R, inverse } = tf.tidy(() => {
    const L = tf.tensor2d(factor, [N, N]);
    return {
      R: tf.keep(tf.div(gradients, Math.sqrt(N * lambda))), // [N, P]
      inverse: tf.keep(matMul(L, L, true)), // [N, N]
    };
  });
  return {
    tensors: [R, inverse],
    of: (gradient, B) => {
      const g = gradient.instantiate(B); // [G, P]
      const c = matMul(matMul(g, R, false, true), inverse); // [G, N]
      const x = tf.sub(g, matMul(c, R)); // [G, P]
      return tf.div(tf.add(squaredNormOfRows(x), squaredNormOfRows(c)), lambda);
    },
  };
}
