/**
 * # Channel layer normalisation
 *
 *     y = g x̂,   x̂ = (x − m) / √(v + ε)
 *
 * with mean and (biased) variance over the channels of each position (Ba et al. 2016, arXiv
 * 1607.06450; over channels as in P. Wang's U-Net), and a gain without an offset:
 *
 *     ∂l/∂g = Σ_t dy_t x̂_t,   ∂l/∂x = (d − mean(d) − x̂ · mean(d x̂)) / √(v + ε),   d = g dy.
 */
import { lengthOf, tf } from '../../backend/index';
import { directFactors } from '../direct-factors';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';
import { sumOverPositions } from './bias';

const EPSILON = 1e-5;

/** `x` [N, …, C] to the same shape; `gain` [C]. */
export function channelLayerNorm(tape: Tape, x: Value, gain: Layer): Value {
  const input = x.tensor;
  const last = input.shape.length - 1;
  const { y, normalised, inverse } = tf.tidy(() => {
    const centred = tf.sub(input, tf.mean(input, last, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), last, true), EPSILON)); // [N, …, 1]
    const normalised = tf.mul(centred, inverse);
    return { y: tf.mul(normalised, gain.variable), normalised, inverse };
  });
  return tape.apply({
    inputs: [x],
    layers: [gain],
    output: y,
    saved: [normalised, inverse],
    back(dy) {
      tape.gradient(
        gain,
        directFactors('layer norm', lengthOf(dy), () => sumOverPositions(tf.mul(dy, normalised))),
      );
      if (!x.needed) return [null];
      const d = tf.mul(dy, gain.variable);
      const along = tf.mean(tf.mul(d, normalised), last, true); // [N, …, 1]
      return [
        tf.mul(tf.sub(tf.sub(d, tf.mean(d, last, true)), tf.mul(normalised, along)), inverse),
      ];
    },
  });
}
