/**
 * # Your own files and folders, read a few images at a time
 *
 * Every picture has a place, and so has every image in an array. The places follow from the names
 * of the files and the headers of the arrays, before any image is decoded. An image that cannot be
 * used leaves its place empty. An array is read whole, because damage at its end makes all of it
 * unusable, and is kept in memory until the next one is needed.
 */
import path from 'node:path';
import { FisherlabError } from '../errors';
import { type ImageRow, type PlaceRange, partName, type RowPart } from './image-row';
import { npyPieces } from './npy';
import { arrangement } from './own/array-layout';
import type { Target } from './own/fit-to-model';
import { isArray, type OwnFile, ownFiles } from './own/own-files';
import { type FromFile, readOwnFile } from './own/read-own-file';
import { oneAtATime, together } from './own/together';

/** A file and the places of its images: `from` to `to` (exclusive). */
interface Placed extends PlaceRange {
  readonly own: OwnFile;
}

/** The images found in a file. */
interface FileImages {
  readonly file: Placed;
  readonly found: FromFile;
}

/**
 * The images of files and folders, in the order of their names within each folder; pictures are
 * stretched to the shape.
 * @throws {FisherlabError} if a path does not exist, there is no file of images, or an array can be
 *   read in more than one way
 */
export async function ownRow(
  paths: readonly string[],
  [height, width, channels]: ImageRow['shape'],
): Promise<ImageRow> {
  const { files } = await ownFiles(paths);
  const placed: Placed[] = [];
  let count = 0;
  for (const own of files) {
    const images = await imagesIn(own, channels);
    placed.push({ own, from: count, to: count + images });
    count += images;
  }
  const name = paths.length === 1 ? path.basename(paths[0] as string) : `${paths.length} paths`;
  const target: Target = { height, width, channels, fit: 'stretch' };
  async function* parts(ranges: readonly PlaceRange[]) {
    const turn = oneAtATime();
    let held: FileImages | undefined;
    const read = async (file: Placed): Promise<FileImages> =>
      held?.file === file
        ? held
        : { file, found: await readOwnFile(file.own, target, { channels }, turn) };
    const beyond = Number.POSITIVE_INFINITY;
    let first = 0;
    for (const range of ranges) {
      while ((placed[first]?.to ?? beyond) <= range.from) first++;
      let end = first;
      while ((placed[end]?.from ?? beyond) < range.to) end++;
      const found = await together(placed.slice(first, end), read);
      held = found.find(({ file }) => file.to > range.to);
      yield partOfFiles(partName(name, range), range, target, found);
    }
  }
  return { name, count, shape: [height, width, channels], parts };
}

/**
 * The number of images in a file. An array that cannot be read counts as one; the error is reported
 * later.
 */
async function imagesIn({ file, problem }: OwnFile, channels: number): Promise<number> {
  if (problem !== undefined || !isArray(file)) return 1;
  try {
    for await (const { header } of npyPieces(file))
      return Math.max(1, arrangement(file, header.shape, header.fortran, channels).N.length);
  } catch (error) {
    if (error instanceof FisherlabError) throw error;
  }
  return 1;
}

/** The images of some files whose places lie within a range. */
function partOfFiles(
  name: string,
  { from, to }: PlaceRange,
  { height, width, channels }: Target,
  files: readonly FileImages[],
): RowPart {
  const within = <T extends { readonly index: number }>(of: (found: FromFile) => readonly T[]) =>
    files
      .flatMap(({ file, found }) => of(found).map((one) => ({ one, place: file.from + one.index })))
      .filter(({ place }) => place >= from && place < to);
  const used = within(({ used }) => used);
  const size = height * width * channels;
  const images = new Uint8Array(used.length * size); // [n, H, W, C]
  used.forEach(({ one }, k) => {
    images.set(one.pixels, k * size);
  });
  return {
    name,
    images,
    count: used.length,
    shape: [height, width, channels],
    places: used.map(({ place }) => place),
    names: used.map(({ one }) => one.name),
    leftOut: within(({ leftOut }) => leftOut).map(({ one }) => one),
  };
}
