/**
 * # How often an image can be halved
 *
 * Every level or stage of the paper's models halves height and width; where an image cannot be
 * halved as often as a preset says, the last ones are left out.
 */
import { FisherlabError } from '../errors';
import type { ImageShape } from './model';

/** How often height and width can both be halved. */
export function halvings([h, w]: ImageShape): number {
  let times = 0;
  while (h > 0 && w > 0 && h % 2 ** (times + 1) === 0 && w % 2 ** (times + 1) === 0) times++;
  return times;
}

/** As {@link halvings}. @throws {FisherlabError} if that is not once */
export function halvingsFromOne(imageShape: ImageShape): number {
  const times = halvings(imageShape);
  if (times === 0)
    throw new FisherlabError(
      `images of ${imageShape[0]}x${imageShape[1]} cannot be halved`,
      'pad them to an even height and width',
    );
  return times;
}
