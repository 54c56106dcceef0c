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
 * In **training** m, v are the mean and (biased) variance of the batch. Through them every image's
 * likelihood depends on every other image, so only gradients summed over the batch have a meaning.
 * With means over all images and positions
 *
 *     ∂l/∂x = γ / √(v + ε) · (dy − mean(dy) − x̂ · mean(dy x̂)).
 *
 * The stored statistics follow the batches' with a momentum of 0.1 (the variance unbiased), as in
 * PyTorch. A pass only observes what they are to follow, so that it can be recorded as a graph.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, lengthOf, sumOverParts, tf } from '../../backend/index';
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
 * `x` [N, …, C] to the same shape, on the statistics of the batch. The tape observes them for the
 * stored ones (see {@link followBatch}). The layers' factors are to be summed over the batch
 * (`total`): image by image they leave out what an image does to the others.
 */
export function batchNormTraining(tape: Tape, x: Value, layers: BatchNormLayers): Value {
  const { weight, bias, runningMean, runningVariance } = layers;
  const input = x.tensor;
  const { y, normalised, inverse } = tf.tidy(() => {
    const [mean] = overBatch([input]).means; // [C]
    const centred = tf.sub(input, mean);
    const { means, count } = overBatch([tf.square(centred)]);
    const [variance] = means; // [C]
    tape.observe(runningMean, mean);
    const others = tf.maximum(tf.sub(count, 1), 1);
    tape.observe(runningVariance, tf.mul(variance, tf.div(count, others)));
    const inverse = tf.rsqrt(tf.add(variance, EPSILON));
    const normalised = tf.mul(centred, inverse);
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
      if (!x.needed) return [null];
      const [mean, meanAlong] = overBatch([dy, along]).means; // [C], [C]
      const centred = tf.sub(tf.sub(dy, mean), tf.mul(normalised, meanAlong));
      return [tf.mul(centred, tf.mul(weight.variable, inverse))];
    },
  });
}

/**
 * Means of tensors [N, …, C] over all images of the batch and all positions, [C] each, and how many
 * numbers each of them is of, [1]. Where a graph computes a batch in parts, the means are still
 * those of the batch.
 */
function overBatch<const T extends readonly Tensor[]>(
  tensors: T,
): { means: { readonly [K in keyof T]: Tensor }; count: Tensor } {
  const sums = tensors.map((x) => tf.sum(x, [...x.shape.keys()].slice(0, -1))); // [C] each
  const [first] = sums as [Tensor];
  const count = (tensors[0]?.size ?? 0) / first.size;
  const lengths = [...sums.map(({ size }) => size), 1];
  const ofParts = tf.concat([...sums, tf.tensor1d([count])]); // [C + … + 1]
  const ofBatch = tf.split(sumOverParts(ofParts), lengths);
  const all = at(ofBatch, sums.length);
  const means = ofBatch.slice(0, -1).map((sum) => tf.div(sum, all));
  return { means: means as unknown as { readonly [K in keyof T]: Tensor }, count: all };
}

/** Moves the stored statistics towards those that a training pass has observed. */
export function followBatch(
  { runningMean, runningVariance, batches }: BatchNormLayers,
  observed: ReadonlyMap<Layer, Tensor>,
): void {
  tf.tidy(() => {
    for (const stored of [runningMean, runningVariance]) {
      const seen = observed.get(stored);
      if (seen === undefined) continue;
      const moved = tf.add(tf.mul(stored.variable, 1 - MOMENTUM), tf.mul(seen, MOMENTUM));
      stored.variable.assign(moved);
    }
    batches.variable.assign(tf.add(batches.variable, 1));
  });
}
