/**
 * # Bias
 *
 *     y_t = … + b,   ∂l/∂b = Σ_t dy_t
 *
 * for each image: one number a channel, summed over all positions.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, tf } from '../../backend/index';
import { directFactors } from '../direct-factors';
import type { Factors } from '../factors';

/** The factors of a bias over the last axis: `∂l/∂b = Σ_t dy_t`. */
export function biasFactors(operation: string, dy: Tensor): Factors {
  return directFactors(operation, lengthOf(dy), () => sumOverPositions(dy));
}

/** Sum over all axes between the first and the last: [N, …, C] to [N, C]. */
export function sumOverPositions(z: Tensor): Tensor {
  const between = z.shape.map((_, axis) => axis).slice(1, -1);
  return between.length === 0 ? z : tf.sum(z, between); // [N, C]
}
