/**
 * # Augmentation, as the paper's
 *
 * Random translation by up to a tenth of the side (black where nothing came in), for CIFAR-10,
 * GTSRB and SVHN; random left–right flip for the first two; nothing for the others. Whole pixels,
 * so that images stay on the 8-bit grid. Every draw is a function of the seed and the image's place
 * in the batch.
 *
 * A *background* model (Ren et al. 2019, arXiv 1906.02845) should learn what all images have in
 * common and not what they depict: for it, each value is also replaced, with probability `mutate`,
 * by one drawn uniformly from 0 … 255.
 */
import { at, deriveSeed, uniformAt } from '../backend/index';

/** The stream of draws for mutations; images have theirs by their place in the batch. */
const MUTATION = 0xb6;

export interface Augmentation {
  /** Largest shift as a share of the side. */
  readonly translate: number;
  readonly flip: boolean;
  /** The share of values that are replaced by noise. */
  readonly mutate: number;
}

export const NO_AUGMENTATION: Augmentation = { translate: 0, flip: false, mutate: 0 };

/** What the paper does for a data set. */
export function augmentationOf(dataset: string): Augmentation {
  if (dataset === 'cifar10' || dataset === 'gtsrb')
    return { ...NO_AUGMENTATION, translate: 0.1, flip: true };
  return dataset === 'svhn' ? { ...NO_AUGMENTATION, translate: 0.1 } : NO_AUGMENTATION;
}

/**
 * `pixels` [N, H, W, C], flat, augmented; the input is left as it is, and given back itself where
 * there is nothing to do.
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

/** Shifts and mirrors. */
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
