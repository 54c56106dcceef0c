/**
 * # Batches: streams of image indices, and the pixels that belong to them
 *
 * A batch is a list of image *indices*, not of pixels: noise is drawn by index (`noiseByIndex`), so
 * the indices are enough to fetch the pixels, make the noise and find the labels. Neither the order
 * nor the batch size changes what an image gets.
 */

import { at, permutation, tf } from '../backend/index';
import { FisherlabError } from '../errors';
import type { Dataset, Images } from './dataset';

export interface BatchOptions {
  /** Shuffles with this seed; by default the images keep their order. */
  readonly seed?: number;
  /** Whether to keep a last batch that is not full. By default it is dropped, as in the paper. */
  readonly keepLast?: boolean;
}

/**
 * Batches of `size` image indices, one pass over the set.
 * @throws {FisherlabError} if `size` is not a whole number from 1 on, or is larger than the set
 *   while the last batch is not kept
 */
export function* batches(
  set: Pick<Dataset, 'name' | 'count'>,
  size: number,
  { seed, keepLast = false }: BatchOptions = {},
): Generator<number[]> {
  if (!(Number.isInteger(size) && size >= 1))
    throw new FisherlabError(`a batch cannot have ${size} images`, 'give a whole number from 1 on');
  if (size > set.count && !keepLast) {
    throw new FisherlabError(
      `a batch of ${size} images is larger than the ${set.count} of '${set.name}'`,
      'choose a smaller batch',
    );
  }
  const order = seed === undefined ? undefined : permutation(set.count, seed);
  const end = keepLast ? set.count : set.count - (set.count % size);
  for (let start = 0; start < end; start += size) {
    const length = Math.min(size, end - start);
    yield Array.from({ length }, (_, k) =>
      order === undefined ? start + k : at(order, start + k),
    );
  }
}

/**
 * The images at `indices` as float32 [n, 32, 32, C], 0..255. The caller disposes of the tensor.
 * @throws {FisherlabError} if an index is outside the set, or if the pixels are not bytes or do not
 *   have the number that count and shape imply
 */
export function pixels(set: Images, indices: ArrayLike<number>): tf.Tensor4D {
  const size = set.shape[0] * set.shape[1] * set.shape[2];
  // compare by name: the cells of a notebook may run in a realm with its own array classes
  const kind = Object.prototype.toString.call(set.images).slice(8, -1);
  if (!kind.startsWith('Uint8') || set.images.length !== set.count * size)
    throw new FisherlabError(
      `'${set.name}' has ${set.images.length} pixel values (${kind}) for ${set.count} images of shape [${set.shape.join(', ')}]`,
      `give a Uint8Array of ${set.count * size} values from 0 to 255`,
    );
  const values = new Float32Array(indices.length * size);
  for (let k = 0; k < indices.length; k++) {
    const index = at(indices, k);
    if (!(Number.isInteger(index) && index >= 0 && index < set.count)) {
      throw new FisherlabError(
        `image ${index} is not in '${set.name}'`,
        `its images are 0 … ${set.count - 1}`,
      );
    }
    values.set(set.images.subarray(index * size, (index + 1) * size), k * size);
  }
  return tf.tensor4d(values, [indices.length, ...set.shape]); // [n, 32, 32, C]
}

/** A model that may take images in its own representation. */
interface TakesImages {
  readonly imageShape: readonly number[];
  points?(images: tf.Tensor, indices: readonly number[], seed: number): tf.Tensor;
}

/**
 * Images of a set in the form a model takes: pixel values, or points of a representation. The
 * caller frees them.
 * @param noiseIndices the indices of the noise that turns pixels into points
 */
export function imagesFor(
  model: TakesImages,
  set: Images,
  indices: readonly number[],
  seed: number,
  noiseIndices = indices,
): tf.Tensor {
  return tf.tidy(() => {
    const images = pixels(set, indices);
    return model.points?.(images, noiseIndices, seed) ?? images;
  });
}
