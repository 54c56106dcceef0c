/**
 * # Noising, and its loss
 *
 *     x_t = a x + b ε,   e = mean |ε − ε̂|
 *
 * with numbers a, b for each image; the mean is over pixels and channels.
 * `∂e/∂ε̂ = sign(ε̂ − ε) / size`.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, tf } from '../../backend/index';
import type { Tape, Value } from '../tape';

/** `x` and `noise` [N, …], `a` and `b` [N]; the shape of `x`. */
export function noised(tape: Tape, x: Value, noise: Tensor, a: Tensor, b: Tensor): Value {
  const perImage = (values: Tensor) =>
    tf.reshape(values, [values.size, ...x.shape.slice(1).map(() => 1)]); // [N, 1, …]
  const y = tf.tidy(() => tf.add(tf.mul(x.tensor, perImage(a)), tf.mul(noise, perImage(b))));
  return tape.apply({ inputs: [x], output: y, back: (dy) => [tf.mul(dy, perImage(a))] });
}

/** `target` and `x` [N, …] to [N]. */
export function meanAbsoluteError(tape: Tape, target: Tensor, x: Value): Value {
  const n = lengthOf(x);
  const { e, difference } = tf.tidy(() => {
    const difference = tf.sub(x.tensor, target);
    return { e: tf.mean(tf.reshape(tf.abs(difference), [n, -1]), 1), difference }; // [N]
  });
  return tape.apply({
    inputs: [x],
    output: e,
    saved: [difference],
    back(de) {
      const size = x.shape.slice(1).reduce((product, length) => product * length, 1);
      const ones = x.shape.slice(1).map(() => 1);
      const weight = tf.reshape(tf.div(de, size), [n, ...ones]); // [N, 1, …]
      return [tf.mul(tf.sign(difference), weight)];
    },
  });
}
