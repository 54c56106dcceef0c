/**
 * # Draws: the images an expectation is taken over
 *
 * The Fisher information is an expectation over images *of the model*, y ~ p^θ; a reference for
 * detectors may also be taken over images of a data set. Both are `Draws`: blocks of images with
 * their noise, the same at every pass, so that a second pass (another group of layers) sees the
 * same samples.
 *
 * Samples are pixel values on the 8-bit grid, as `model.sample` gives them and as the paper's code
 * uses them, and then treated as every image: a flow adds its dequantisation noise. The score of a
 * flow has mean 0 over its own continuous samples; rounding them and cutting them off at 0 and 255
 * shifts it, which `scoreZ` (`estimate.ts`) shows. `continuousSamplesOf` scores
 * what a flow draws as it is, without rounding and without noise.
 *
 * The inverse of a trained flow may leave the range of float32 for a few latents in a hundred
 * (Behrmann et al. 2021, arXiv 2006.09347, *Understanding and mitigating exploding inverses*). A
 * sample with a value that is not finite, or beyond ±2¹⁶, where neighbouring float32 numbers are a
 * hundredth of a grey level apart and a score is made of rounding errors, is left out; the next one
 * takes its place, and `lost` counts them. What is estimated is conditional on the rest.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { numbersOf, tf } from '../backend/index';
import { FisherlabError } from '../errors';
import type { Model } from '../models/index';
import { deriveSeed } from '../numerics/index';

/** Images that go through the model at once, of samples and of data sets alike. */
export const IMAGES_PER_BLOCK = 64;

/** The largest pixel value of a sample that float32 resolves well enough. */
const LARGEST = 2 ** 16;

export interface Draws {
  /** What they are, for titles: `samples of the model`. */
  readonly name: string;
  /** Number of images: N. */
  readonly count: number;
  /** Samples that had no usable image (see above) and were left out so far. */
  readonly lost: number;
  /**
   * All images [n, H, W, C] with their noise, block by block, the same every time. The caller frees
   * both.
   */
  blocks(): Generator<{ images: Tensor; noise: Tensor }>;
}

interface Block {
  readonly pixels: Float32Array;
  /** Places of the usable images among those drawn together. */
  readonly places: readonly number[];
}

/**
 * `count` images drawn from the model (1,024 as in the paper), in blocks that depend on the seed
 * and their index alone: more samples begin with fewer. They are drawn at the first pass and
 * remembered.
 * @throws {FisherlabError} if `count` is no whole number from 1 on; at the pass, if more than half
 *   of the samples are of no use
 */
export function samplesOf(model: Model, seed: number, count = 1024): Draws {
  return drawsOf(
    model,
    seed,
    count,
    'samples of the model',
    (own) => model.sample(IMAGES_PER_BLOCK, own),
    (kept, own) => model.noise(kept, own),
  );
}

/** A flow that gives its samples before they are rounded. */
export interface Continuous extends Model {
  sampleContinuous(n: number, seed: number): Tensor;
}

/**
 * As {@link samplesOf}, for a flow's samples before rounding: pixel values that hold their own
 * dequantisation noise.
 */
export function continuousSamplesOf(model: Continuous, seed: number, count = 1024): Draws {
  return drawsOf(
    model,
    seed,
    count,
    'samples of the model, not rounded',
    (own) => model.sampleContinuous(IMAGES_PER_BLOCK, own),
    (kept) => tf.zeros([kept.length, ...model.imageShape]),
  );
}

function drawsOf(
  model: Model,
  seed: number,
  count: number,
  name: string,
  sample: (seed: number) => Tensor,
  noise: (places: readonly number[], seed: number) => Tensor,
): Draws {
  if (!(Number.isInteger(count) && count >= 1))
    throw new FisherlabError(
      `${count} samples of the model make no sense`,
      'give a whole number from 1 on, 1024 as in the paper',
    );
  const drawn: Block[] = [];
  return {
    name,
    count,
    get lost() {
      return drawn.reduce((sum, { places }) => sum + IMAGES_PER_BLOCK - places.length, 0);
    },
    *blocks() {
      let left = count;
      for (let k = 0; left > 0; k++) {
        const own = deriveSeed(seed, k);
        drawn[k] ??= usableImages(readAll(sample(own)));
        if (this.lost > Math.max(IMAGES_PER_BLOCK, count) / 2)
          throw new FisherlabError(
            `${this.lost} samples of the ${model.family} model are not finite or far out of range`,
            'its weights are damaged: load another checkpoint',
          );
        const { pixels: values, places } = drawn[k] as Block;
        const kept = places.slice(0, left);
        if (kept.length === 0) continue;
        left -= kept.length;
        const size = values.length / places.length;
        const images = tf.tensor(values.subarray(0, kept.length * size), [
          kept.length,
          ...model.imageShape,
        ]); // [n, H, W, C]
        yield { images, noise: noise(kept, own) };
      }
    },
  };
}

function usableImages(values: Float32Array): Block {
  const size = values.length / IMAGES_PER_BLOCK;
  const images = Array.from({ length: IMAGES_PER_BLOCK }, (_, i) =>
    values.subarray(i * size, (i + 1) * size),
  );
  const places = images.flatMap((image, i) =>
    image.every((value) => Math.abs(value) <= LARGEST) ? [i] : [],
  );
  const kept = new Float32Array(places.length * size);
  for (const [at, place] of places.entries()) kept.set(images[place] as Float32Array, at * size);
  return { pixels: kept, places };
}

function readAll(tensor: Tensor): Float32Array {
  const values = numbersOf(tensor);
  tensor.dispose();
  return values;
}
