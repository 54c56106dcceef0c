/**
 * # Augmentation, as in the paper
 *
 * CIFAR-10, GTSRB and SVHN get a random translation by up to a tenth of the side, filled with
 * black. CIFAR-10 and GTSRB also get a random left–right flip. Other sets get no augmentation.
 * Translations are by whole pixels, so that images stay on the 8-bit grid. Every draw depends only
 * on the seed and the image's position in the batch.
 *
 * A *background* model (Ren et al. 2019, arXiv 1906.02845) should learn what all images have in
 * common, not what they depict. For it, each value is also replaced, with probability `mutate`, by
 * one drawn uniformly from 0 … 255.
 */
import { at, deriveSeed, uniformAt } from '../backend/index';

/** The random stream of mutations; the other draws have streams by the position in the batch. */
const MUTATION = 0xb6;

export interface Augmentation {
  /** Largest shift as a share of the side. */
  readonly translate: number;
  readonly flip: boolean;
  /** The share of values that are replaced by noise. */
  readonly mutate: number;
}

export const NO_AUGMENTATION: Augmentation = { translate: 0, flip: false, mutate: 0 };

/** The paper's augmentation for a data set. */
export function augmentationOf(dataset: string): Augmentation {
  if (dataset === 'cifar10' || dataset === 'gtsrb')
    return { ...NO_AUGMENTATION, translate: 0.1, flip: true };
  return dataset === 'svhn' ? { ...NO_AUGMENTATION, translate: 0.1 } : NO_AUGMENTATION;
}

/**
 * Augments `pixels`, flat [N, H, W, C]. The input is not changed; it is returned itself if there is
 * nothing to do.
 */
export function augment(
  pixels: Float32Array,
  shape: readonly [number, number, number, number],
  { translate, flip, mutate }: Augmentation,
  seed: number,
): Float32Array {
  const moved = translate === 0 && !flip ? pixels : move(pixels, shape, translate, flip, seed);
  if (mutate === 0) return moved;
  const own = deriveSeed(seed, MUTATION);
  return moved.map((value, i) =>
    uniformAt(own, 2 * i) < mutate ? Math.floor(256 * uniformAt(own, 2 * i + 1)) : value,
  );
}

/** Shifts and flips an image. */
function move(
  pixels: Float32Array,
  [n, h, w, c]: readonly [number, number, number, number],
  translate: number,
  flip: boolean,
  seed: number,
): Float32Array {
  const out = new Float32Array(pixels.length);
  for (let k = 0; k < n; k++) {
    const own = deriveSeed(seed, k);
    const shift = (side: number, draw: number) =>
      Math.round((2 * uniformAt(own, draw) - 1) * translate * side);
    const [down, right] = [shift(h, 0), shift(w, 1)];
    const mirrored = flip && uniformAt(own, 2) < 0.5;
    for (let y = Math.max(0, down); y < Math.min(h, h + down); y++) {
      for (let x = Math.max(0, right); x < Math.min(w, w + right); x++) {
        const source = x - right;
        const from = ((k * h + y - down) * w + (mirrored ? w - 1 - source : source)) * c;
        const to = ((k * h + y) * w + x) * c;
        for (let channel = 0; channel < c; channel++)
          out[to + channel] = at(pixels, from + channel);
      }
    }
  }
  return out;
}
