/**
 * # The diagonal score statistic of a layer
 *
 * Bergamin et al. 2022 (arXiv 2203.01097) keep only the diagonal of F, d = E[g²]:
 *
 *     Σ_i g_i² / (d_i + λ).  (eq:diagonal-norm)
 *
 * It accounts for the size of each weight's gradients, but not for their correlations. (The authors
 * add 10⁻⁸ for all models; here λ scales with the layer's gradients, as in the other two norms.)
 */
import { squaredNormOfRows, tf } from '../backend/index';
import type { Model } from '../models/index';
import type { DampedOptions } from './damped-norm';
import type { Draws } from './draws';
import { estimateFisher } from './estimate';
import {
  DAMPING,
  dampingOf,
  type FittedFeature,
  type FittedLayer,
  fittedFeature,
} from './fitted-feature';

/**
 * Feature `diagonal-fisher-norm`, fitted on the gradients of `draws`.
 * @throws {FisherlabError} if the damping is not above 0
 * @throws the reason of `signal`, once it is aborted
 */
export async function diagonalFisherNorm(
  model: Model,
  draws: Draws,
  { damping = DAMPING, ...options }: Omit<DampedOptions, 'memory'> = {},
): Promise<FittedFeature> {
  const { layers } = await estimateFisher(model, draws, options);
  return fittedFeature(
    'diagonal-fisher-norm',
    new Map(
      layers.map(({ name, size, trace, diagonal }): [string, FittedLayer | null] => {
        if (trace === 0) return [name, null];
        const lambda = dampingOf(damping, trace, draws.count, size);
        const scale = tf.tensor1d(diagonal.map((d) => 1 / Math.sqrt(d + lambda))); // [P]
        return [
          name,
          {
            tensors: [scale],
            of: (gradient, B) => squaredNormOfRows(tf.mul(gradient.instantiate(B), scale)),
          },
        ];
      }),
    ),
  );
}
