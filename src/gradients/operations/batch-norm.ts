/**
 * # Batch normalisation
 *
 *     y = γ x̂ + β,   x̂ = (x − m) / √(v + ε)
 *
 * (Ioffe & Szegedy 2015, arXiv 1502.03167), in two forms. On **stored statistics** m, v are
 * constants, an image's gradient is its own, and
 *
 *     ∂l/∂γ = Σ_t dy_t x̂_t,   ∂l/∂β = Σ_t dy_t,   ∂l/∂x = dy · γ / √(v + ε).
 *
 * In **training** m, v are the mean and (biased) variance of the batch, through which every image's
 * likelihood depends on every other image; only gradients summed over the batch have a meaning
 * then, and with means over all images and positions
 *
 *     ∂l/∂x = γ / √(v + ε) · (dy − mean(dy) − x̂ · mean(dy x̂)).
 *
 * The stored statistics follow the batches' with a momentum of 0.1 (the variance unbiased), as in
 * PyTorch.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, tf } from '../../backend/index';
import { directFactors } from '../direct-factors';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';
import { biasFactors, sumOverPositions } from './bias';

export interface BatchNormLayers {
  /** γ and β, [C]. */
  readonly weight: Layer;
  readonly bias: Layer;
  /** Stored statistics: buffers, not parameters; [C], [C], and the number of batches seen, [1]. */
  readonly runningMean: Layer;
  readonly runningVariance: Layer;
  readonly batches: Layer;
}

const EPSILON = 1e-5;
const MOMENTUM = 0.1;

/** `x` [N, …, C] to the same shape, on stored statistics. */
export function batchNorm(
  tape: Tape,
  x: Value,
  { weight, bias, runningMean, runningVariance }: BatchNormLayers,
): Value {
  const input = x.tensor;
  const inverse = () => tf.rsqrt(tf.add(runningVariance.variable, EPSILON)); // [C]
  const y = tf.tidy(() => {
    const factor = tf.mul(weight.variable, inverse());
    return tf.add(
      tf.mul(input, factor),
      tf.sub(bias.variable, tf.mul(runningMean.variable, factor)),
    );
  });
  return tape.apply({
    inputs: [x],
    layers: [weight, bias],
    output: y,
    saved: [input],
    back(dy) {
      tape.gradient(
        weight,
        directFactors('batch norm', lengthOf(dy), () =>
          tf.mul(sumOverPositions(tf.mul(dy, tf.sub(input, runningMean.variable))), inverse()),
        ),
      );
      tape.gradient(bias, biasFactors('batch norm', dy));
      return [x.needed ? tf.mul(dy, tf.mul(weight.variable, inverse())) : null];
    },
  });
}

/**
 * `x` [N, …, C] to the same shape, on the statistics of the batch. Where the tape records (a
 * training step), the stored statistics move too. The layers' factors are to be summed over the
 * batch (`total`): image by image they leave out what an image does to the others.
 */
export function batchNormTraining(tape: Tape, x: Value, layers: BatchNormLayers): Value {
  const { weight, bias } = layers;
  const input = x.tensor;
  const axes = input.shape.slice(0, -1).map((_, axis) => axis);
  const { y, normalised, inverse } = tf.tidy(() => {
    const { mean, variance } = tf.moments(input, axes); // [C], [C]
    if (tape.recording) moveStatistics(layers, mean, variance, input.size / mean.size);
    const inverse = tf.rsqrt(tf.add(variance, EPSILON));
    const normalised = tf.mul(tf.sub(input, mean), inverse);
    return { y: tf.add(tf.mul(normalised, weight.variable), bias.variable), normalised, inverse };
  });
  return tape.apply({
    inputs: [x],
    layers: [weight, bias],
    output: y,
    saved: [normalised, inverse],
    back(dy) {
      const along = tf.mul(dy, normalised);
      tape.gradient(
        weight,
        directFactors('batch norm', lengthOf(dy), () => sumOverPositions(along)),
      );
      tape.gradient(bias, biasFactors('batch norm', dy));
      const centred = tf.sub(
        tf.sub(dy, tf.mean(dy, axes)),
        tf.mul(normalised, tf.mean(along, axes)),
      );
      return [x.needed ? tf.mul(centred, tf.mul(weight.variable, inverse)) : null];
    },
  });
}

function moveStatistics(
  { runningMean, runningVariance, batches }: BatchNormLayers,
  mean: Tensor,
  variance: Tensor,
  count: number,
): void {
  const move = (stored: Layer, to: Tensor) =>
    stored.variable.assign(tf.add(tf.mul(stored.variable, 1 - MOMENTUM), tf.mul(to, MOMENTUM)));
  move(runningMean, mean);
  move(runningVariance, tf.mul(variance, count / Math.max(1, count - 1)));
  batches.variable.assign(tf.add(batches.variable, 1));
}
