/**
 * # A row of images, read some at a time
 *
 * Who goes over a million images, or over one machine's share of them, holds only those that are
 * being looked at. A row knows how many *places* it has before it reads any image; what stands at a
 * place may turn out to be no image, and then the place stays empty, so that the others keep
 * theirs, and with it their noise, whoever reads them. `set-row.ts` has the rows of data sets,
 * `own-row.ts` those of files and folders.
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
   * The images of each range of places, one range after the other.
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

/** Some images of a row: `count` of them, at most as many as were asked for. */
export interface RowPart extends Images {
  /** [count]: the place of each. */
  readonly places: readonly number[];
  /** [count]: what each is called; absent where places are their names. */
  readonly names?: readonly string[];
  /** What stands at the places that stay empty. */
  readonly leftOut: readonly LeftOut[];
}

/** Images that are in memory already, as a row. */
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

/** What messages call the places `from` to `to` (exclusive) of a row. */
export function partName(row: string, { from, to }: PlaceRange): string {
  return `${row}, ${from} to ${to - 1}`;
}
