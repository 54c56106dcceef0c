/**
 * # Which noise an image of one's own gets
 *
 * Images of a data set have their place in it for an index, and noise is drawn by index
 * (`noiseByIndex`). An image of one's own has no such place: where it stands in a list depends on
 * what else is in the list. So its indices are numbers made of its pixels, 32 bits each of their
 * SHA-512, which has sixteen of them: one index a draw. An image then gets the same noise beside
 * whatever others, in any order, and equal images get equal noise. That two different ones share an
 * index (of 20,000 images, one time in twenty, a single pair) does no harm: each still has noise
 * that does not depend on it.
 */
import { createHash } from 'node:crypto';
import { FisherlabError } from '../errors';
import type { Images } from './dataset';

/** Numbers of 32 bits in a SHA-512. */
export const MOST_DRAWS = 16;

/**
 * The indices for `noise(indices, seed)` of the images at `positions`: [positions × draws], whole
 * numbers below 2³², those of an image one after the other.
 * @throws {FisherlabError} if there are to be no draws, or more than 16
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
