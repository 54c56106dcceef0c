/**
 * # A data set, read a few images at a time
 *
 * The file of a set is compressed and can only be read from its beginning. Everything before the
 * wanted images is inflated (some 100 MB a second) and discarded; everything after them is not
 * read. Reading the last image also checks the file to its end, as `dataset` does.
 */
import { gridOf, located, onGrid } from './dataset';
import { type ImageRow, type PlaceRange, partOf } from './image-row';
import { npyRanges, npyShape } from './npy';

/**
 * The first `limit` images (by default all) of a data set.
 * @throws {FisherlabError} if the name or the split is unknown, the set has not been downloaded, or
 *   its file is damaged
 */
export async function setRow(
  name: string,
  split: string = 'test',
  { limit }: { limit?: number } = {},
): Promise<ImageRow> {
  const { set, found, ...at } = located(name, split, limit);
  const label = `${split} images of '${name}' (${found.images})`;
  const inFile = await npyShape(found.images, label);
  const { side, shape } = gridOf(at.name, found, inFile);
  const size = side * side * set.channels;
  async function* parts(ranges: readonly PlaceRange[]) {
    const bytes = ranges.map(({ from, to }) => ({ from: from * size, to: to * size }));
    let k = 0;
    for await (const values of npyRanges(found.images, label, bytes)) {
      const { from } = ranges[k++] as PlaceRange;
      yield partOf(name, from, shape, onGrid(values, side, set.channels));
    }
  }
  const [count = 0] = inFile;
  return { name, count: Math.min(limit ?? count, count), shape, parts };
}
