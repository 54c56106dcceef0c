/**
 * # Activation normalisation
 *
 *     y_t = (x_t + b) · eˢ,   log|det| = T · Σ s
 *
 * One shift and one scale a channel, initialised from data (Kingma & Dhariwal 2018, §3.1). With
 * `dlog` what flowed back to the log-determinant:
 *
 *     ∂l/∂b = eˢ Σ_t dy_t,   ∂l/∂s = Σ_t dy_t y_t + T · dlog.
 */
import { shape4, tf } from '../../backend/index';
import { directFactors } from '../direct-factors';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';
import { sumOverPositions } from './bias';

/** `x` [N, H, W, C] to the same shape, and the log-determinant [N]. `bias` and `logs` are [C]. */
export function actnorm(
  tape: Tape,
  x: Value,
  bias: Layer,
  logs: Layer,
): { y: Value; logDet: Value } {
  const [n, h, w] = shape4(x, 'actnorm');
  const { y, logDet } = tf.tidy(() => ({
    y: tf.mul(tf.add(x.tensor, bias.variable), tf.exp(logs.variable)),
    logDet: tf.fill([n], 0).add(tf.mul(tf.sum(logs.variable), h * w)), // [N]
  }));
  const [normalised, determinant] = tape.apply({
    inputs: [x],
    layers: [bias, logs],
    output: [y, logDet],
    saved: [y],
    back([dy, dlog]) {
      const dx = tf.mul(dy, tf.exp(logs.variable));
      tape.gradient(
        bias,
        directFactors('actnorm', n, () => sumOverPositions(dx)),
      );
      tape.gradient(
        logs,
        directFactors('actnorm', n, () => {
          const scale = sumOverPositions(tf.mul(dy, y)); // [N, C]
          return tf.add(scale, tf.expandDims(tf.mul(dlog, h * w), 1)); // [N, C]
        }),
      );
      return [x.needed ? dx : null];
    },
  });
  return { y: normalised, logDet: determinant };
}
