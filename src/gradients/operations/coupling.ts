/**
 * # Affine coupling
 *
 *     y = (b + shift) · s,   s = sigmoid(raw + 2),   log|det| = Σ log s
 *
 * `shift` and `raw` are the even and the odd channels of what a network made of the other half
 * (Dinh et al. 2017, arXiv 1605.08803; the sigmoid is Glow's). With `dlog` what flowed back to the
 * log-determinant:
 *
 *     ∂l/∂b = ∂l/∂shift = dy · s,   ∂l/∂raw = (dy · y + dlog)(1 − s).
 *
 * # Diagonal Gaussian
 *
 *     log N(z; mean, e^{logs}) = −½ Σ (2 logs + u² + ln 2π),   u = (z − mean) e^{−logs}
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, pair, shape4, tf } from '../../backend/index';
import type { Tape, Value } from '../tape';

/** `b` [N, H, W, C] and `network` [N, H, W, 2C] to `y` [N, H, W, C] and the log-determinant [N]. */
export function coupling(tape: Tape, b: Value, network: Value): { y: Value; logDet: Value } {
  const [n, h, w, c] = shape4(b, 'coupling');
  const { y, logDet, s } = tf.tidy(() => {
    const pairs = tf.reshape(network.tensor, [n, h, w, c, 2]); // [N, H, W, C, 2]
    const [shift, raw] = pair(tf.unstack(pairs, 4)); // [N, H, W, C] each
    const s = tf.sigmoid(tf.add(raw, 2));
    return { y: tf.mul(tf.add(b.tensor, shift), s), logDet: tf.sum(tf.log(s), [1, 2, 3]), s };
  });
  const [transformed, determinant] = tape.apply({
    inputs: [b, network],
    output: [y, logDet],
    saved: [y, s],
    back([dy, dlog]) {
      const db = tf.mul(dy, s);
      const raw = tf.mul(tf.add(tf.mul(dy, y), perImage(dlog)), tf.sub(1, s));
      return [db, tf.reshape(tf.stack([db, raw], 4), [n, h, w, 2 * c])]; // [N, H, W, 2C]
    },
  });
  return { y: transformed, logDet: determinant };
}

/**
 * The log-density of `z`, summed over everything but the first axis, [N]. `mean` and `logs` have
 * the shape of `z`.
 */
export function gaussianLogDensity(tape: Tape, z: Value, mean: Value, logs: Value): Value {
  const { density, u, inverse } = tf.tidy(() => {
    const inverse = tf.exp(tf.neg(logs.tensor));
    const u = tf.mul(tf.sub(z.tensor, mean.tensor), inverse);
    const n = lengthOf(z);
    const sum = tf.sum(tf.reshape(tf.add(tf.mul(logs.tensor, 2), tf.square(u)), [n, -1]), 1); // [N]
    const size = z.tensor.size / n;
    return { density: tf.mul(tf.add(sum, size * Math.log(2 * Math.PI)), -0.5), u, inverse };
  });
  return tape.apply({
    inputs: [z, mean, logs],
    output: density,
    saved: [u, inverse],
    back(dl) {
      const weight = perImage(dl);
      const dmean = tf.mul(tf.mul(u, inverse), weight);
      return [tf.neg(dmean), dmean, tf.mul(tf.sub(tf.square(u), 1), weight)];
    },
  });
}

function perImage(x: Tensor): Tensor {
  return tf.reshape(x, [-1, 1, 1, 1]); // [N, 1, 1, 1]
}
