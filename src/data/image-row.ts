/**
 * # A row of images, read a few at a time
 *
 * A program that goes through a million images, or one machine's share of them, should hold only a
 * few in memory. A *row* is a list of images that knows how many *places* it has before any image
 * is read. If the file at a place turns out not to be a usable image, the place stays empty. So all
 * other images keep their places, and with them their noise, whichever machine reads them.
 * `set-row.ts` makes rows of data sets, `own-row.ts` rows of files and folders.
 */
import type { Images } from './dataset';
import type { LeftOut } from './own/read-own-file';

export interface ImageRow {
  readonly name: string;
  /** How many places there are. */
  readonly count: number;
  /** [H, W, C]. */
  readonly shape: Images['shape'];
  /**
   * The images of each range of places, one range after another.
   * @param ranges in ascending order, none of which begins before the end of another
   * @throws {FisherlabError} if a file is damaged
   */
  parts(ranges: readonly PlaceRange[]): AsyncGenerator<RowPart>;
}

/** The places `from` to `to` (exclusive). */
export interface PlaceRange {
  readonly from: number;
  readonly to: number;
}

/** Some images of a row. `count` may be smaller than the number of places asked for. */
export interface RowPart extends Images {
  /** [count]: the place of each. */
  readonly places: readonly number[];
  /** [count]: the name of each; absent if their places serve as names. */
  readonly names?: readonly string[];
  /** The files or images at the places that stay empty. */
  readonly leftOut: readonly LeftOut[];
}

/** Makes a row of images that are already in memory. */
export function rowOf(images: Images): ImageRow {
  const { name, count, shape } = images;
  const size = images.images.length / count;
  async function* parts(ranges: readonly PlaceRange[]) {
    for (const { from, to } of ranges)
      yield partOf(name, from, shape, images.images.subarray(from * size, to * size));
  }
  return { name, count, shape, parts };
}

/** All images from place `from` on. `pixels` is flat, [n × H × W × C]. */
export function partOf(
  name: string,
  from: number,
  shape: Images['shape'],
  pixels: Uint8Array,
): RowPart {
  const count = pixels.length / shape.reduce((a, b) => a * b, 1);
  return {
    name: partName(name, { from, to: from + count }),
    images: pixels,
    count,
    shape,
    places: Array.from({ length: count }, (_, k) => from + k),
    leftOut: [],
  };
}

/** The name that messages use for the places `from` to `to` (exclusive) of a row. */
export function partName(row: string, { from, to }: PlaceRange): string {
  return `${row}, ${from} to ${to - 1}`;
}
