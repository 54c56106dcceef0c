/**
 * # What a converter yields: images in portions
 *
 * Each official format has one converter, an asynchronous generator over the split's files. It
 * yields images in the set's own order, one portion at a time, so a set may be larger than memory.
 * If the official order is by class (GTSRB's training set, Omniglot, Tiny-ImageNet's training set,
 * notMNIST), images are shuffled once with seed 0, so that the first n images are a fair sample.
 */
import type { Split } from '../sets';

export interface Portion {
  /** Flat, [n × 32 × 32 × 3] or [n × 28 × 28 × 1], 0..255. */
  readonly images: Uint8Array;
  /** [n]; absent if classes are unknown or do not fit in a byte. */
  readonly labels?: Uint8Array;
}

/**
 * @param files the split's official files on this disk, in the catalogue's order
 * @throws {Error} if something is wrong with them, saying what
 */
export type Converter = (files: readonly string[], split: Split) => AsyncGenerator<Portion>;

/** How many images are decoded together: enough to keep the decoder's threads busy. */
export const PORTION = 256;

/** The i-th of `files`; converters are only called with as many as their set has. */
export function nth(files: readonly string[], i: number): string {
  const file = files[i];
  if (file === undefined) throw new Error(`file ${i + 1} of the set is missing`);
  return file;
}

/**
 * The parts of a set in the order of their numbers, which `number` captures (a single part may have
 * no number). Throws unless each number from 1 to `count` occurs once.
 */
export function numbered(names: readonly string[], number: RegExp, count: number): string[] {
  const of = (name: string) => Number(number.exec(name)?.[1] ?? 1);
  const sorted = [...names].sort((a, b) => of(a) - of(b));
  if (sorted.length !== count || sorted.some((name, i) => of(name) !== i + 1))
    throw new Error(`it has the parts ${sorted.map(of).join(', ')}, not 1 to ${count} each once`);
  return sorted;
}

/**
 * Passes portions of images of `size` values through. Throws if a portion does not have one label
 * per image, or if a label is not below `classes`.
 */
export async function* checked(
  portions: AsyncIterable<Portion>,
  size: number,
  classes: number,
): AsyncGenerator<Portion> {
  for await (const portion of portions) {
    const { images, labels } = portion;
    const count = images.length / size;
    if (labels !== undefined && labels.length !== count)
      throw new Error(`it has ${labels.length} labels for ${count} images`);
    const wrong = labels?.find((label) => label >= classes);
    if (wrong !== undefined)
      throw new Error(`a label is ${wrong}, and there are the classes 0 to ${classes - 1}`);
    yield portion;
  }
}

/** Labels as bytes. Throws if one is not a whole number that fits in a byte. */
export function labelsOf(labels: readonly number[]): Uint8Array {
  const wrong = labels.find((label) => !(Number.isInteger(label) && label >= 0 && label <= 255));
  if (wrong !== undefined) throw new Error(`a label is ${wrong}`);
  return Uint8Array.from(labels);
}

/** Concatenates `images`. */
export function joined(images: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(images);
}
