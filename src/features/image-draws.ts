/**
 * # Images of a data set as draws
 *
 * A Fisher matrix is an average over the model's own samples. The empirical Fisher matrix is the
 * same average over real images. Fitted features learn from it and notebooks compare with it. Here
 * the images of a set take the place of the samples.
 */
import { type Images, imagesFor } from '../data/index';
import { FisherlabError } from '../errors';
import { type Draws, IMAGES_PER_BLOCK } from '../fisher/index';
import type { Model } from '../models/index';

/**
 * The images of a data set at the given indices; image i gets the noise of index i, as everywhere.
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
