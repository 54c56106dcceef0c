/**
 * # Which noise an image of one's own gets
 *
 * Images of a data set have their place in it for an index, and noise is drawn by index
 * (`noiseByIndex`). An image of one's own has no such place: where it stands in a list depends on
 * what else is in the list. So its index is a number made of its pixels, the first 32 bits of their
 * SHA-256. An image then gets the same noise beside whatever others, in any order, and equal images
 * get equal noise. That two different ones share an index (of 20,000 images, one time in twenty, a
 * single pair) does no harm: each still has noise that does not depend on it.
 */
import { createHash } from 'node:crypto';
import type { Images } from './dataset';

/** The index of each image for `noise(indices, seed)`: [count], whole numbers below 2³². */
export function noiseIndices({ images, count }: Pick<Images, 'images' | 'count'>): number[] {
  const size = images.length / count;
  return Array.from({ length: count }, (_, k) =>
    createHash('sha256')
      .update(images.subarray(k * size, (k + 1) * size))
      .digest()
      .readUInt32LE(0),
  );
}
