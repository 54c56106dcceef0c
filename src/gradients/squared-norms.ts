/**
 * # Squared norms of any number of images
 *
 * The paper's numbers for images at hand: ‖∂/∂θ_j Σ_b log p(x_b)‖² of every layer and every group
 * of B consecutive images, as many images at once as memory allows (`feature-passes.ts`).
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, tf } from '../backend/index';
import { FisherlabError } from '../errors';
import { type FeaturePasses, featurePasses } from './feature-passes';
import { type Differentiable, squaredNorm } from './features';

export interface SquaredNorms {
  /** log p of each image that is in a full group, in nats, [G·B]. */
  readonly logLikelihood: Float32Array;
  /** Row-major [G, J]. */
  readonly norms: Float32Array;
  /** The J layers that are not frozen, by name, in the model's order. */
  readonly layers: readonly string[];
  /** How many images at the end did not fill a group and were left out. */
  readonly dropped: number;
}

/**
 * ‖∂/∂θ_j Σ_b log p(x_b)‖² for each of the G = ⌊N/B⌋ groups of B consecutive images and each layer.
 * Cost grows with N, memory does not.
 * @param images [N, H, W, C] in pixel values
 * @param noise [N, …], the model's noise for these images
 * @param passes the way to go over them; chosen from memory, model and their number
 * @throws {FisherlabError} if B is no whole number from 1 on, or a gradient is not finite (naming
 *   tensor, image and operation)
 */
export function squaredNorms(
  model: Differentiable,
  images: Tensor,
  noise: Tensor,
  B: number,
  passes?: FeaturePasses,
): SquaredNorms {
  if (!Number.isInteger(B) || B < 1)
    throw new FisherlabError(
      `a group of ${B} images makes no sense`,
      'B is a whole number from 1 on',
    );
  const n = lengthOf(images);
  const groups = Math.floor(n / B);
  const dropped = n - groups * B;
  if (dropped > 0)
    console.warn(
      `fisherlab: the last ${dropped} of ${n} images do not fill a group of ${B} and are left out`,
    );
  const learned = model.layers.filter((layer) => !layer.frozen);
  const logLikelihood = new Float32Array(groups * B);
  const norms = new Float32Array(groups * learned.length);
  if (groups === 0)
    return { logLikelihood, norms, layers: learned.map((layer) => layer.name), dropped };
  const part = (start: number, count: number) => ({
    images: tf.slice(images, start, count),
    noise: tf.slice(noise, start, count),
  });
  const { atOnce, run } =
    passes ?? featurePasses(model, [squaredNorm], [B], groups * B, (count) => part(0, count));
  for (let start = 0; start < groups * B; start += atOnce) {
    const { images: some, noise: own } = part(start, Math.min(atOnce, groups * B - start));
    try {
      const found = run(some, own);
      logLikelihood.set(found.logLikelihood, start);
      const column = new Map(found.byBatchSize[0]?.map(({ layer, values }) => [layer, values]));
      learned.forEach((layer, j) => {
        column.get(layer)?.forEach((value, g) => {
          norms[(start / B + g) * learned.length + j] = value;
        });
      });
    } finally {
      tf.dispose([some, own]);
    }
  }
  return { logLikelihood, norms, layers: learned.map((layer) => layer.name), dropped };
}
