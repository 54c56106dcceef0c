/**
 * # Group normalisation
 *
 *     y = γ x̂ + β,   x̂ = (x − m) / √(v + ε)
 *
 * with mean and (biased) variance of each image's groups of channels, over all positions (Wu & He
 * 2018, arXiv 1803.08494). The statistics and the backward pass need only sums over positions for
 * each channel, `Σ x`, `Σ x²`, `S = Σ dy`, `Σ dy x`, which are small: [N, C]. One affine map of
 * each channel passes over memory in either direction:
 *
 *     y = x · A + B,   A = γ/√(v+ε),   B = β − m A,
 *     ∂l/∂x = dy · A + x · P + Q,   P = −m₂ / (v+ε),   Q = −(m₁ − m₂ m/√(v+ε)) / √(v+ε),
 *
 * with `D = Σ dy x̂`, and m₁, m₂ the means of γ dy and of γ dy x̂ over the group. `∂l/∂γ = D`,
 * `∂l/∂β = S`.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { shape2, shape4, squaredNormOfPositions, tf } from '../../backend/index';
import { directFactors } from '../direct-factors';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';
import { sumOverPositions } from './bias';

const EPSILON = 1e-5;

/** Statistics of groups, spread over their channels: [N, C] each. */
export interface GroupStatistics {
  readonly mean: Tensor;
  /** 1/√(v + ε) */
  readonly inverse: Tensor;
}

/** From the sums of each channel over T positions, Σ x and Σ x², [N, C]. */
export function groupStatistics(
  sum: Tensor,
  squares: Tensor,
  groups: number,
  positions: number,
): GroupStatistics {
  const mean = meanOfGroups(sum, groups, positions);
  const variance = tf.relu(tf.sub(meanOfGroups(squares, groups, positions), tf.square(mean)));
  return { mean, inverse: tf.rsqrt(tf.add(variance, EPSILON)) };
}

/**
 * Sums over positions, [N, C], to means over the groups' positions and channels, spread over the
 * channels, [N, C].
 */
export function meanOfGroups(sums: Tensor, groups: number, positions: number): Tensor {
  const [n, c] = shape2(sums, 'means of groups');
  const means = tf.div(
    tf.sum(tf.reshape(sums, [n, groups, c / groups]), 2, true),
    (positions * c) / groups,
  ); // [N, groups, 1]
  return tf.reshape(tf.tile(means, [1, 1, c / groups]), [n, c]); // [N, C]
}

/** A number for each image and channel, [N, C], to all positions: [N, 1, C]. */
export function perChannel(z: Tensor): Tensor {
  return tf.expandDims(z, 1); // [N, 1, C]
}

/** `x` [N, H, W, C] to the same shape; `weight` γ and `bias` β [C]; C a multiple of `groups`. */
export function groupNorm(tape: Tape, x: Value, weight: Layer, bias: Layer, groups: number): Value {
  const [n, h, w, c] = shape4(x, 'group norm');
  const t = h * w;
  const input = tf.reshape(x.tensor, [n, t, c]); // [N, T, C]
  const { y, mean, inverse } = tf.tidy(() => {
    const { mean, inverse } = groupStatistics(
      tf.sum(input, 1),
      squaredNormOfPositions(input),
      groups,
      t,
    );
    const A = tf.mul(weight.variable, inverse); // [N, C]
    const B = tf.sub(bias.variable, tf.mul(mean, A));
    const y = tf.add(tf.mul(input, perChannel(A)), perChannel(B));
    return { y: tf.reshape(y, [n, h, w, c]), mean, inverse }; // [N, H, W, C]
  });
  return tape.apply({
    inputs: [x],
    layers: [weight, bias],
    output: y,
    saved: [input, mean, inverse],
    back(dy) {
      const back = tf.reshape(dy, [n, t, c]); // [N, T, C]
      const S = tf.sum(back, 1); // [N, C]
      const products = sumOverPositions(tf.mul(back, input)); // [N, C]
      const D = tf.mul(tf.sub(products, tf.mul(mean, S)), inverse); // [N, C]
      tape.gradient(
        weight,
        directFactors('group norm', n, () => D),
      );
      tape.gradient(
        bias,
        directFactors('group norm', n, () => S),
      );
      if (!x.needed) return [null];
      const m1 = meanOfGroups(tf.mul(S, weight.variable), groups, t);
      const m2 = tf.mul(meanOfGroups(tf.mul(D, weight.variable), groups, t), inverse);
      const P = tf.neg(tf.mul(m2, inverse));
      const Q = tf.neg(tf.mul(tf.sub(m1, tf.mul(m2, mean)), inverse));
      const direct = tf.mul(back, perChannel(tf.mul(weight.variable, inverse)));
      return [
        tf.reshape(tf.add(tf.add(direct, tf.mul(input, perChannel(P))), perChannel(Q)), [
          n,
          h,
          w,
          c,
        ]),
      ]; // [N, H, W, C]
    },
  });
}
