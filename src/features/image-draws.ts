/**
 * # Images of a data set as draws
 *
 * A Fisher matrix is an average over the model's own samples. The same average over real images, an
 * empirical one, is what fitted features learn from and what notebooks compare with: here the
 * images of a set take the place of samples.
 */
import { type Images, imagesFor } from '../data/index';
import { FisherlabError } from '../errors';
import { type Draws, IMAGES_PER_BLOCK } from '../fisher/index';
import type { Model } from '../models/index';

/**
 * Images of a data set by their indices; image i has the noise of its index, as everywhere.
 * @throws {FisherlabError} if there are no indices
 */
export function imagesOf(
  model: Model,
  data: Images,
  indices: readonly number[],
  seed: number,
): Draws {
  if (indices.length === 0)
    throw new FisherlabError(`no images of '${data.name}' were chosen`, 'give at least one index');
  return {
    name: `images of ${data.name}`,
    count: indices.length,
    lost: 0,
    *blocks() {
      for (let start = 0; start < indices.length; start += IMAGES_PER_BLOCK) {
        const part = indices.slice(start, start + IMAGES_PER_BLOCK);
        yield { images: imagesFor(model, data, part, seed), noise: model.noise(part, seed) };
      }
    },
  };
}
