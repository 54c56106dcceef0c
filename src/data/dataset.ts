/**
 * # Data sets: 8-bit images, all on the same grid
 *
 * A data set is `uint8` of shape `[N, 32, 32, C]`, C = 3 or, for the grey ones, 1: 28x28 images get
 * a border of two black pixels. *Every set is on the same 8-bit grid before anything else happens.*
 * The paper's code mixed grids (CIFAR-10 in steps of 1/256, CelebA of 1/255, GTSRB interpolated
 * between them), and the grid alone gives a set away to a model that has learnt another one.
 * `noiseByIndex` of `backend` makes the values continuous by adding uniform noise drawn by image
 * index.
 *
 * `tinyimagenet32` stands in for `imagenet32` if the latter is not on this machine.
 */
import { assertKnown, FisherlabError } from '../errors';
import { type Found, find } from './find';
import { readLabels } from './labels';
import { readNpy } from './npy';
import { DATA_SETS, type DataSet, type DataSetName, dataSet, SPLITS, type Split } from './sets';

/** The side of every image, in pixels. */
export const SIDE = 32;

/**
 * Images, and a name for messages: everything needed to compute features. Data sets and your own
 * pictures both have this form.
 */
export interface Images {
  readonly name: string;
  /** Flat, [count × H × W × C], 0..255. */
  readonly images: Uint8Array;
  readonly count: number;
  /** [H, W, C]. */
  readonly shape: readonly [number, number, number];
}

export interface Dataset extends Images {
  readonly name: DataSetName;
  readonly split: Split;
  /** One line for people: which copy this is and how many images it has. */
  readonly source: string;
  readonly licence: string;
  /** Flat, [count × 32 × 32 × C], 0..255. */
  readonly images: Uint8Array;
  readonly count: number;
  /** [32, 32, C]. */
  readonly shape: readonly [number, number, number];
  /** [count]; absent if the classes are unknown. */
  readonly labels?: Uint8Array;
}

/**
 * The first `limit` images (by default all) of a data set.
 * @throws {FisherlabError} if the name or the split is unknown, the set has not been downloaded,
 *   or a file is damaged
 */
export async function dataset(
  name: string,
  split: string = 'test',
  { limit }: { limit?: number } = {},
): Promise<Dataset> {
  const at = located(name, split, limit);
  const { found, set } = at;
  const { images, labels, count, total } = await readSplit(at.name, at.split, found, limit);
  const how = count < total ? `first ${number(count)} of ${number(total)}` : `all ${number(total)}`;
  return {
    name: at.name,
    split: at.split,
    source: `${name} ${split}: ${how} images of ${found.place}`,
    licence: set.licence,
    images,
    count,
    shape: [SIDE, SIDE, set.channels],
    ...(labels === undefined ? {} : { labels: labels.subarray(0, count) }),
  };
}

/**
 * Finds the files of a data set.
 * @throws {FisherlabError} if the name, the split or the limit is invalid, or the set is not on
 *   this machine
 */
export function located(
  name: string,
  split: string,
  limit: number | undefined,
): { name: DataSetName; split: Split; set: DataSet; found: Found } {
  assertKnown('data set', name, DATA_SETS);
  assertKnown('split', split, SPLITS);
  if (limit !== undefined && !(Number.isInteger(limit) && limit > 0)) {
    throw new FisherlabError(
      `a data set cannot be limited to ${limit} images`,
      'give a whole number from 1 on',
    );
  }
  const found = find(name, split);
  if (found === null)
    throw new FisherlabError(
      `data set '${name}' (${split}) is not on this machine`,
      whereToGet(name, split),
    );
  return { name, split, set: dataSet(name), found };
}

/**
 * Reads the first `limit` images of a split (`limit` may be 0) and all labels. The files are read
 * and checked to their ends.
 * @throws {FisherlabError} if a file is damaged or does not belong to this set
 */
export async function readSplit(
  name: DataSetName,
  split: Split,
  found: Found,
  limit?: number,
): Promise<{ images: Uint8Array; labels?: Uint8Array; count: number; total: number }> {
  const { channels, classes = 256 } = dataSet(name);
  const file = await readNpy(found.images, `${split} images of '${name}' (${found.images})`, limit);
  const { side } = gridOf(name, found, file.shape);
  const [total = 0] = file.shape;
  const images = onGrid(file.data, side, channels);
  if (found.labels === undefined) return { images, count: file.rows, total };

  const label = `labels of '${name}' (${found.labels})`;
  const labels = await readLabels(found.labels, `${split} ${label}`);
  if (labels.shape.length !== 1 || labels.shape[0] !== total)
    throw new FisherlabError(
      `${label} have shape [${labels.shape.join(', ')}] for ${total} images`,
      'restore the file or download the set again',
    );
  const wrong = labels.data.find((one) => one >= classes);
  if (wrong !== undefined)
    throw new FisherlabError(
      `${label} have the class ${wrong}, and the classes are 0 to ${classes - 1}`,
      'restore the file or download the set again',
    );
  return { images, labels: labels.data, count: file.rows, total };
}

/**
 * The side of the images in a set's file, and the shape they get in memory: [32, 32, C].
 * @throws {FisherlabError} if `inFile`, the shape of the array in the file, is wrong for this set
 */
export function gridOf(
  name: DataSetName,
  { images }: Found,
  inFile: readonly number[],
): { side: number; shape: Dataset['shape'] } {
  const { channels } = dataSet(name);
  const [, height = 0, width = 0, depth = 0] = inFile;
  const side = channels === 3 ? SIDE : 28;
  if (
    inFile.length !== 4 ||
    depth !== channels ||
    height !== width ||
    (height !== side && height !== SIDE)
  ) {
    throw new FisherlabError(
      `images of '${name}' (${images}) have shape [${inFile.join(', ')}]`,
      `the shape must be [N, ${side}, ${side}, ${channels}]`,
    );
  }
  return { side: height, shape: [SIDE, SIDE, channels] };
}

/** How to get a set that is not on this machine. */
function whereToGet(name: DataSetName, split: Split): string {
  const { files, agreement } = dataSet(name);
  if (files[split] === undefined)
    return `it has no official ${split} set; ask for ${Object.keys(files).join(', ')}`;
  const from = agreement === undefined ? '' : ' --from FILE';
  const instead = name === 'imagenet32' ? ' (tinyimagenet32 can stand in for it)' : '';
  return `get it with 'fisherlab data download ${name}${from}' or name a folder that has it in FISHERLAB_DATA${instead}`;
}

const number = (n: number) => n.toLocaleString('en-US');

/** Images of `side` × `side` centred on black images of 32 × 32. */
export function onGrid(images: Uint8Array, side: number, channels: number): Uint8Array {
  if (side === SIDE) return images;
  const count = images.length / (side * side * channels);
  const out = new Uint8Array(count * SIDE * SIDE * channels); // [N, 32, 32, C]
  const border = (SIDE - side) / 2;
  const row = side * channels;
  for (let n = 0; n < count; n++) {
    for (let y = 0; y < side; y++) {
      const from = (n * side + y) * row;
      out.set(
        images.subarray(from, from + row),
        ((n * SIDE + y + border) * SIDE + border) * channels,
      );
    }
  }
  return out;
}
