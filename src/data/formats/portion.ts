/**
 * # What a converter gives: images in portions
 *
 * Each official format has one converter, an asynchronous generator over the split's files. It
 * yields images in the set's own order, a portion at a time, so that a set larger than memory
 * passes through. Where the official order is by class (GTSRB's training set, Omniglot,
 * Tiny-ImageNet's training set, notMNIST) images are shuffled once, seed 0: the first n of a set
 * are then a fair sample.
 */
import type { Split } from '../sets';

export interface Portion {
  /** Flat, [n × 32 × 32 × 3] or [n × 28 × 28 × 1], 0..255. */
  readonly images: Uint8Array;
  /** [n], absent where classes are not known or do not fit in a byte. */
  readonly labels?: Uint8Array;
}

/**
 * @param files the split's official files on this disk, in the catalogue's order. Throws an Error
 *   that says what is wrong with them.
 */
export type Converter = (files: readonly string[], split: Split) => AsyncGenerator<Portion>;

/** Images that are decoded together: enough to keep the decoder's threads busy. */
export const PORTION = 256;

/** The i-th of `files`; converters are only called with as many as their set has. */
export function nth(files: readonly string[], i: number): string {
  const file = files[i];
  if (file === undefined) throw new Error(`file ${i + 1} of the set is missing`);
  return file;
}

/** `images` one behind the other. */
export function joined(images: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(images);
}
