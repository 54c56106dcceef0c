/**
 * # The Gaussians of a Glow
 *
 * The density of the latents that a level splits off is a Gaussian, whose mean and deviation a
 * zero-convolution computes from the remaining half. The density of the last latents is a Gaussian
 * with learned mean and deviation, which the reference writes as a zero-convolution of zeros.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { normals, pair, shape4, tf } from '../../backend/index';
import {
  directFactors,
  OuterProducts,
  type ScaledConvolution,
  splitChannels,
  type Tape,
  type Value,
  zeroConvolution,
} from '../../gradients/index';

/**
 * Mean and log-deviation of the last latents, [N, h, w, c] each: a zero-convolution of a map of
 * zeros, of which only the bias is left.
 */
export function topGaussian(
  tape: Tape,
  { logs, weight, bias }: ScaledConvolution,
  [n, rows, columns]: readonly [number, number, number],
): [Value, Value] {
  const c = bias.variable.size;
  const y = tf.tidy(() =>
    tf.tile(tf.reshape(tf.mul(bias.variable, tf.exp(tf.mul(logs.variable, 3))), [1, 1, 1, c]), [
      n,
      rows,
      columns,
      1,
    ]),
  ); // [N, h, w, 2c]
  const top = tape.apply({
    inputs: [],
    layers: [logs, weight, bias],
    output: y,
    saved: [y],
    back(dy) {
      const sums = tf.sum(dy, [1, 2]); // [N, 2c]
      const direct = (make: () => Tensor) => directFactors('zero-convolution', n, make);
      tape.gradient(
        logs,
        direct(() => tf.mul(tf.sum(tf.mul(dy, y), [1, 2]), 3)),
      );
      tape.gradient(
        weight,
        new OuterProducts({
          operation: 'zero-convolution',
          images: n,
          positions: 1,
          inputs: 9 * c,
          outputs: c,
          // [N, 1, 9·2c], [N, 1, 2c]
          build: () => ({ x: tf.zeros([n, 1, 9 * c]), dy: tf.reshape(sums, [n, 1, c]) }),
        }),
      );
      tape.gradient(
        bias,
        direct(() => tf.mul(sums, tf.exp(tf.mul(logs.variable, 3)))),
      );
      return [];
    },
  });
  return splitChannels(tape, top, c / 2);
}

/**
 * Mean (even channels) and log-deviation (odd ones) of the latents that are split off, from the
 * half that goes on.
 */
export function splitGaussian(tape: Tape, kept: Value, layers: ScaledConvolution): [Value, Value] {
  const h = zeroConvolution(tape, kept, layers);
  const [n, rows, columns, c] = shape4(h, 'split');
  return tape.apply({
    inputs: [h],
    // [N, h, w, c/2] each
    output: pair(tf.unstack(tf.reshape(h.tensor, [n, rows, columns, c / 2, 2]), 4)),
    back: (dys) => [tf.reshape(tf.stack([...dys], 4), [n, rows, columns, c])], // [N, h, w, c]
  });
}

/** A draw of the Gaussian; `temperature` scales its deviation. The shape of `mean`. */
export function gaussianSample(
  mean: Tensor,
  logs: Tensor,
  seed: number,
  temperature: number,
): Tensor {
  return tf.tidy(() =>
    tf.add(
      mean,
      tf.mul(tf.mul(tf.exp(logs), temperature), tf.tensor(normals(seed, mean.size), mean.shape)),
    ),
  );
}
