/**
 * # Familiar images, rearranged
 *
 * Does a model know more about its images than statistics of their pixels? To find out, test it on
 * images made of the *same* pixels in other places. Brightness, contrast and number of levels stay
 * exactly the same, sharpness and colour nearly.
 *
 * - `upsideDown`: the rows in reverse order. Sky below, earth above.
 * - `shuffledPatches`: patches of side × side pixels in random order, a different one for each
 *   image.
 * - `joinedHalves`: the left half of one image joined to the right half of the next.
 *
 * Each returns a new set of the same shape. All randomness comes from the seed.
 */
import { deriveSeed, permutation } from '../backend/index';
import { FisherlabError } from '../errors';
import type { Images } from './dataset';

/** Each image with its rows in reverse order. */
export function upsideDown(set: Images): Images {
  const [height] = set.shape;
  return moved(set, 'upside down', (k, y, x) => [k, height - 1 - y, x]);
}

/**
 * Each image with its square patches in its own random order.
 * @param side of a patch, in pixels
 * @throws {FisherlabError} if patches of that side do not tile an image
 */
export function shuffledPatches(set: Images, seed: number, side = 8): Images {
  const [height, width] = set.shape;
  if (!Number.isInteger(side) || side < 1 || height % side !== 0 || width % side !== 0)
    throw new FisherlabError(
      `patches of ${side} pixels do not tile an image of ${height}x${width}`,
      'choose a side that divides both',
    );
  const across = width / side;
  const orders = Array.from({ length: set.count }, (_, k) =>
    permutation((height / side) * across, deriveSeed(seed, k)),
  );
  return moved(set, 'patches shuffled', (k, y, x) => {
    const patch = Math.floor(y / side) * across + Math.floor(x / side);
    const from = orders[k]?.[patch] as number;
    return [k, Math.floor(from / across) * side + (y % side), (from % across) * side + (x % side)];
  });
}

/**
 * The left half of each image joined to the right half of the next one; after the last image comes
 * the first.
 */
export function joinedHalves(set: Images): Images {
  const [, width] = set.shape;
  return moved(set, 'halves joined', (k, y, x) => [x < width / 2 ? k : (k + 1) % set.count, y, x]);
}

/** A set in which pixel (y, x) of image k is the pixel of `set` that `from` returns. */
function moved(
  set: Images,
  name: string,
  from: (k: number, y: number, x: number) => readonly [number, number, number],
): Images {
  const [height, width, channels] = set.shape;
  const images = new Uint8Array(set.images.length); // [N, H, W, C]
  let to = 0;
  for (let k = 0; k < set.count; k++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, to += channels) {
        const [image, row, column] = from(k, y, x);
        const at = ((image * height + row) * width + column) * channels;
        images.set(set.images.subarray(at, at + channels), to);
      }
    }
  }
  return { name, shape: set.shape, count: set.count, images };
}
