/**
 * # Noising, and its loss
 *
 *     x_t = a x + b ε,   e = mean |ε − ε̂|
 *
 * with numbers a, b for each image; the mean is over pixels and channels.
 * `∂e/∂ε̂ = sign(ε̂ − ε) / size`.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../../backend/index';
import type { Tape, Value } from '../tape';

/** `x` and `noise` [N, …], `a` and `b` [N]; the shape of `x`. */
export function noised(tape: Tape, x: Value, noise: Tensor, a: Tensor, b: Tensor): Value {
  const perImage = (values: Tensor) =>
    tf.reshape(values, [values.size, ...x.shape.slice(1).map(() => 1)]); // [N, 1, …]
  const y = tf.tidy(() => tf.add(tf.mul(x.tensor, perImage(a)), tf.mul(noise, perImage(b))));
  return tape.record([x], [], [y], [], (dy) => [tf.mul(dy as Tensor, perImage(a))])[0] as Value;
}

/** `target` and `x` [N, …] to [N]. */
export function meanAbsoluteError(tape: Tape, target: Tensor, x: Value): Value {
  const n = x.shape[0] as number;
  const { e, difference } = tf.tidy(() => {
    const difference = tf.sub(x.tensor, target);
    return { e: tf.mean(tf.reshape(tf.abs(difference), [n, -1]), 1), difference }; // [N]
  });
  return tape.record([x], [], [e], [difference], (de) => {
    const size = x.shape.slice(1).reduce((product, length) => product * length, 1);
    const weight = tf.reshape(tf.div(de as Tensor, size), [n, ...x.shape.slice(1).map(() => 1)]); // [N, 1, …]
    return [tf.mul(tf.sign(difference), weight)];
  })[0] as Value;
}
