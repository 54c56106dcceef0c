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
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../../backend/index';
import { Factors } from '../factors';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';
import { sumOverPositions } from './convolution';

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
  const [output] = tape.record([x], [gain], [y], [normalised, inverse], (dy) => {
    const back = dy as Tensor;
    tape.gradient(
      gain,
      Factors.direct('layer norm', back.shape[0] as number, () =>
        sumOverPositions(tf.mul(back, normalised)),
      ),
    );
    if (!x.needed) return [null];
    const d = tf.mul(back, gain.variable);
    const along = tf.mean(tf.mul(d, normalised), last, true); // [N, …, 1]
    return [tf.mul(tf.sub(tf.sub(d, tf.mean(d, last, true)), tf.mul(normalised, along)), inverse)];
  });
  return output as Value;
}
