/**
 * # The built-in features
 *
 * Besides the paper's squared norm (`features.ts`) and the norms fitted on the Fisher information
 * (`src/fisher`), these features are ready to use. With g = Σ_t x_t ⊗ dy_t the gradient of the
 * joint log-likelihood of a batch of B images with respect to one layer:
 *
 * | feature | value | what it measures |
 * |---|---|---|
 * | `oneNorm` | Σ_i \|g_i\| | size, less dominated by single weights than the norm |
 * | `maximum` | max_i \|g_i\| | the size of the largest single weight |
 * | `cosineWithMean(…)` | ⟨g, ḡ⟩ / (‖g‖ ‖ḡ‖) | whether it points where familiar images point |
 * | `randomProjections(k, seed)` | ⟨g, a_m ⊗ b_m⟩ for m = 1…k | where it points |
 *
 * with ḡ the mean gradient of reference images, and a_m, b_m vectors of random signs ±1.
 *
 * A projection on the outer product of two sign vectors never writes the gradient down: ⟨g, a ⊗ b⟩
 * = Σ_t (a·x_t)(b·dy_t). Over the signs its second moment is ‖g‖² (E aaᵀ = I, E bbᵀ = I), so that
 * projections see direction *and* size. They can be negative: give them to a detector as they are,
 * `raw('…')`.
 *
 * The norm of the gradient with respect to the *input* belongs to no layer, but is a column like
 * any other: `inputGradientNorms`.
 *
 * `checkFeature` looks for the one mistake that shapes cannot show: a feature of a batch that
 * depends on the other batches of the pass. A mean over the first axis is easily written, and it
 * changes every score when the pass is cut differently. So the same images go through once more,
 * shuffled and in two halves, and must give the same numbers.
 */
import type { Tensor } from '@tensorflow/tfjs';
import {
  at,
  deriveSeed,
  lengthOf,
  matMul,
  numbersOf,
  permutation,
  shape3,
  squaredNormOfRows,
  tf,
  uniformAt,
} from '../backend/index';
import { FisherlabError } from '../errors';
import { type Blocks, passOver } from './blocks';
import { Collector } from './collector';
import { batchFeatures, type Differentiable, type Feature } from './features';

/** Σ_i |g_i|. */
export const oneNorm: Feature = {
  name: 'one-norm',
  of: (gradient, B) => tf.sum(tf.abs(gradient.instantiate(B)), 1),
};

/** max_i |g_i|. */
export const maximum: Feature = {
  name: 'maximum',
  of: (gradient, B) => tf.max(tf.abs(gradient.instantiate(B)), 1),
};

/**
 * Feature `cosine-with-mean`: the cosine between the gradient and its mean over `reference`, in
 * [−1, 1]; 0 where either of them is 0.
 * @throws {FisherlabError} if it is used with another model than it was fitted on
 * @throws the reason of `signal`, once it is aborted
 */
export async function cosineWithMean(
  model: Differentiable,
  reference: Blocks,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Feature> {
  const directions = new Map<string, Float64Array>(); // Σ g of each layer, [|θ|]
  const ofBlock = new Collector((gradient) => ({
    sum: gradient.instantiate(gradient.images), // [1, |θ|]
  }));
  const afterBlock = () => {
    for (const [layer, { sum }] of ofBlock.byLayer) {
      const direction = directions.get(layer.name) ?? new Float64Array(layer.variable.size);
      numbersOf(sum).forEach((g, i) => {
        direction[i] = at(direction, i) + g;
      });
      directions.set(layer.name, direction);
    }
  };
  try {
    await passOver(model, reference, ofBlock, afterBlock, signal);
  } finally {
    ofBlock.dispose();
  }
  const unit = new Map([...directions].map(([name, sum]) => [name, toUnit(sum)]));
  return {
    name: 'cosine-with-mean',
    of(gradient, B, layer) {
      const direction = unit.get(layer.name);
      if (direction === undefined)
        throw new FisherlabError(
          `feature 'cosine-with-mean' was not fitted on layer '${layer.name}'`,
          'fit it on the model it is used with',
        );
      const g = gradient.instantiate(B); // [G, |θ|]
      const mean = tf.tensor2d(direction, [direction.length, 1]); // [|θ|, 1]
      const along = tf.reshape(matMul(g, mean), [-1]); // [G]
      return tf.divNoNan(along, tf.sqrt(squaredNormOfRows(g)));
    },
  };
}

/** v/‖v‖; 0 stays 0. */
function toUnit(v: Float64Array): Float32Array {
  const norm = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
  return Float32Array.from(v, (x) => (norm === 0 ? 0 : x / norm));
}

/**
 * Feature `random-projections`: k numbers a layer, ⟨g, a_m ⊗ b_m⟩. The signs depend on the seed and
 * the layer's name alone.
 * @throws {FisherlabError} if k is no whole number from 1 on
 */
export function randomProjections(k: number, seed: number): Feature {
  if (!(Number.isInteger(k) && k >= 1))
    throw new FisherlabError(
      `${k} random projections make no sense`,
      'give a whole number from 1 on',
    );
  const made = new Map<string, Float32Array>();
  const signs = (layer: string, side: number, length: number) => {
    const key = `${side} ${length} ${layer}`; // models may share a layer's name, not its size
    let values = made.get(key);
    if (values === undefined) {
      const own = deriveSeed(
        seed,
        side,
        ...Array.from(layer, (letter) => letter.codePointAt(0) ?? 0),
      );
      values = Float32Array.from({ length: length * k }, (_, i) =>
        uniformAt(own, i) < 0.5 ? -1 : 1,
      );
      made.set(key, values);
    }
    return tf.tensor2d(values, [length, k]);
  };
  return {
    name: 'random-projections',
    of(gradient, B, layer) {
      const { x, dy } = gradient.grouped(B); // [G, T, I], [G, T, O]
      return tf.sum(
        tf.mul(
          project(x, (I) => signs(layer.name, 0, I)),
          project(dy, (O) => signs(layer.name, 1, O)),
        ),
        1,
      ); // [G, k]
    },
  };
}

/** Every position of z [G, T, C] on k directions [C, k]: [G, T, k]. */
function project(z: Tensor, directions: (C: number) => Tensor): Tensor {
  const [G, T, C] = shape3(z, 'projection');
  const by = directions(C);
  return tf.reshape(matMul(tf.reshape(z, [G * T, C]), by), [G, T, lengthOf(by, 1)]); // [G, T, k]
}

/** A model that can go back to its images. */
interface InputDifferentiable {
  imageGradient(images: Tensor, noise: Tensor): Tensor;
}

/**
 * ‖∂ log p/∂x‖² of each image, in nats² per squared pixel step: [N]. For a batch of B images add B
 * of them: each image has its own part of the input.
 */
export function inputGradientNorms(
  model: InputDifferentiable,
  images: Tensor,
  noise: Tensor,
): Float32Array {
  return tf.tidy(() => {
    const gradient = model.imageGradient(images, noise); // [N, H, W, C]
    return numbersOf(squaredNormOfRows(tf.reshape(gradient, [lengthOf(images), -1])));
  });
}

/**
 * How far two values may be apart: float32 sums depend a little on how many rows are multiplied at
 * once. Relative, and in units of the column's largest.
 */
const TOLERANCE = { relative: 0.01, ofLargest: 1e-4 };

/**
 * Makes sure of a feature before minutes are spent on it: right shapes, finite numbers, and every
 * batch's numbers its own.
 * @param images [N, H, W, C] with N a multiple of B, at least 2 batches; a dozen images do
 * @throws {FisherlabError} if a feature fails, naming it and the layer
 */
export function checkFeature(
  model: Differentiable,
  feature: Feature,
  images: Tensor,
  noise: Tensor,
  B = 1,
  seed = 0,
): void {
  const n = lengthOf(images);
  const groups = n / B;
  if (!Number.isInteger(groups) || groups < 2)
    throw new FisherlabError(
      `${n} images are not two whole batches of ${B} or more`,
      `give ${2 * B} or ${4 * B} images`,
    );
  const whole = batchFeatures(model, images, noise, [feature], [B]).byBatchSize[0] ?? [];
  const order = [...permutation(groups, seed)];
  const half = Math.ceil(groups / 2);
  for (const part of [order.slice(0, half), order.slice(half)]) {
    const indices = part.flatMap((group) => Array.from({ length: B }, (_, b) => group * B + b));
    const { own, itsNoise } = tf.tidy(() => {
      const chosen = tf.tensor1d(indices, 'int32');
      return { own: tf.gather(images, chosen), itsNoise: tf.gather(noise, chosen) };
    });
    try {
      const again = batchFeatures(model, own, itsNoise, [feature], [B]).byBatchSize[0] ?? [];
      whole.forEach(({ layer, k, values }, j) => {
        const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        again[j]?.values.forEach((value, place) => {
          const before = at(values, at(part, Math.floor(place / k)) * k + (place % k));
          const allowed = TOLERANCE.relative * Math.abs(before) + TOLERANCE.ofLargest * largest;
          if (Math.abs(value - before) > allowed)
            throw new FisherlabError(
              `feature '${feature.name}' of layer '${layer.name}' depends on the other images of the pass: one batch gives ${before.toPrecision(4)} in one company and ${value.toPrecision(4)} in another`,
              'compute each row of the result from the same row of x and dy alone',
            );
        });
      });
    } finally {
      tf.dispose([own, itsNoise]);
    }
  }
}
