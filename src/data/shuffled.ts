/**
 * # A set in random order
 *
 * The order of images in a file may have a meaning: neighbouring images of SVHN are digits of one
 * house number, in the same light. Then batches of *consecutive* images are more alike than B
 * images drawn at random, and the two halves of a test set are not samples of one population. A
 * seeded permutation removes this effect. The paper's own tables keep the order of the files.
 */
import { permutation } from '../backend/index';
import type { Images } from './dataset';

/** The same images, with their labels if there are any, in the order of a seeded permutation. */
export function shuffled<T extends Images & { readonly labels?: Uint8Array }>(
  set: T,
  seed: number,
): T {
  return picked(set, permutation(set.count, seed));
}

/** The images at `indices`, in that order, with their labels. */
export function picked<T extends Images & { readonly labels?: Uint8Array }>(
  set: T,
  indices: ArrayLike<number>,
): T {
  const size = set.images.length / set.count;
  const images = new Uint8Array(indices.length * size); // [n, H, W, C]
  for (let k = 0; k < indices.length; k++) {
    const from = (indices[k] as number) * size;
    images.set(set.images.subarray(from, from + size), k * size);
  }
  const { labels } = set;
  return {
    ...set,
    images,
    count: indices.length,
    ...(labels === undefined
      ? {}
      : { labels: Uint8Array.from(indices, (index) => labels[index] as number) }),
  };
}
