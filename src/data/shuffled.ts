/**
 * # A set in an order of no meaning
 *
 * Files have an order, and it may mean something: SVHN's neighbours are digits of one house number,
 * under one lamp. Batches of *consecutive* images are then more alike than B images drawn from the
 * set, and both halves of a test set are not two draws from one population. A permutation by a seed
 * takes that away; the paper's own tables keep the order of the files.
 */
import { permutation } from '../backend/index';
import type { Images } from './dataset';

/** The same images, and labels where there are any, in the order of a seeded permutation. */
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
