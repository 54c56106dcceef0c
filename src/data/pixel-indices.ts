/**
 * # Which noise your own images get
 *
 * Noise is drawn by index (`noiseByIndex`). An image of a data set has its position in the set as
 * its index. Your own image has no fixed position: where it is in a list depends on the other
 * images in the list. So its indices are computed from its pixels. The SHA-512 of the pixels gives
 * sixteen numbers of 32 bits, one index per draw. Then an image gets the same noise whatever other
 * images there are, in any order, and equal images get equal noise. Two different images may happen
 * to share an index (among 20,000 images there is such a pair one time in twenty). That does no
 * harm, because the noise is still independent of each image.
 */
import { createHash } from 'node:crypto';
import { FisherlabError } from '../errors';
import type { Images } from './dataset';

/** The number of 32-bit numbers in a SHA-512. */
export const MOST_DRAWS = 16;

/**
 * The indices for `noise(indices, seed)` of the images at `positions`: [positions × draws], whole
 * numbers below 2³², those of one image next to each other.
 * @throws {FisherlabError} if the number of draws is not from 1 to 16
 */
export function noiseIndices(
  { images, count }: Pick<Images, 'images' | 'count'>,
  positions: readonly number[],
  draws = 1,
): number[] {
  if (!(Number.isInteger(draws) && draws >= 1 && draws <= MOST_DRAWS))
    throw new FisherlabError(
      `an image cannot have ${draws} draws of noise`,
      `give a whole number from 1 to ${MOST_DRAWS}`,
    );
  const size = images.length / count;
  return positions.flatMap((k) => {
    const digest = createHash('sha512')
      .update(images.subarray(k * size, (k + 1) * size))
      .digest();
    return Array.from({ length: draws }, (_, draw) => digest.readUInt32LE(4 * draw));
  });
}
