/**
 * # Latent of a variational autoencoder
 *
 *     z = mu + e^s · ε,   KL( N(mu, e^{2s}) ‖ N(0, 1) ) = Σ (mu² + e^{2s} − 1)/2 − s
 *
 * The encoder gives mean `mu` and log-deviation `s`; ε is a given standard normal number (Kingma &
 * Welling 2014, arXiv 1312.6114). With `dz` and `dk` what flowed back to both results:
 *
 *     ∂l/∂mu = dz + dk · mu,   ∂l/∂s = dz · e^s ε + dk · (e^{2s} − 1).
 *
 * # Squared error
 *
 *     e = Σ (x − x̂)²,   ∂l/∂x̂ = −2 (x − x̂) · de
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, tf } from '../../backend/index';
import type { Tape, Value } from '../tape';

/** `mu`, `logs` and `noise` [N, Z] to `z` [N, Z] and `kl` [N]. */
export function gaussianLatent(
  tape: Tape,
  mu: Value,
  logs: Value,
  noise: Tensor,
): { z: Value; kl: Value } {
  const [m, s] = [mu.tensor, logs.tensor];
  const { z, kl, step } = tf.tidy(() => {
    const step = tf.mul(tf.exp(s), noise);
    const half = tf.mul(tf.sub(tf.add(tf.square(m), tf.exp(tf.mul(s, 2))), 1), 0.5);
    return { z: tf.add(m, step), kl: tf.sum(tf.sub(half, s), 1), step };
  });
  const [latent, divergence] = tape.apply({
    inputs: [mu, logs],
    output: [z, kl],
    saved: [m, s, step],
    back([dz, dk]) {
      const toKl = tf.expandDims(dk, 1); // [N, 1]
      return [
        tf.add(dz, tf.mul(toKl, m)),
        tf.add(tf.mul(dz, step), tf.mul(toKl, tf.sub(tf.exp(tf.mul(s, 2)), 1))),
      ];
    },
  });
  return { z: latent, kl: divergence };
}

/** Sum of squared differences of each image, [N]; `x` and `reconstruction` of one shape. */
export function squaredError(tape: Tape, x: Value, reconstruction: Value): Value {
  const { e, difference } = tf.tidy(() => {
    const difference = tf.sub(x.tensor, reconstruction.tensor);
    return {
      e: tf.sum(tf.reshape(tf.square(difference), [lengthOf(x), -1]), 1),
      difference,
    }; // [N]
  });
  return tape.apply({
    inputs: [x, reconstruction],
    output: e,
    saved: [difference],
    back(de) {
      const weight = tf.reshape(tf.mul(de, 2), [-1, ...x.shape.slice(1).map(() => 1)]); // [N, 1, …]
      const g = tf.mul(difference, weight);
      return [g, tf.neg(g)];
    },
  });
}
