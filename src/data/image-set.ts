/**
 * # A set to train on: a known data set, or your own folder
 *
 * Your own images have no official split. If the folder has the sub-folders `train` and `test`,
 * these are the split. Otherwise the pixels of each image decide: it is a test image if the first
 * index of its noise (`pixel-indices.ts`) is divisible by ten, which holds for about one image in
 * ten. So an image stays in its split when others are added to the folder, and two equal images are
 * never in different splits.
 *
 * Pictures are stretched to 32x32, the default of `ownImages`. The set is in colour unless the
 * first pictures are all grey.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { assertKnown, FisherlabError } from '../errors';
import { dataset, type Images, SIDE } from './dataset';
import { ownFiles } from './own/own-files';
import { type ArrayReading, ownImages } from './own-images';
import { noiseIndices } from './pixel-indices';
import { DATA_SETS, type DataSetName, dataSet, type Split } from './sets';
import { picked } from './shuffled';

export interface ImageSet extends Images {
  readonly split: Split;
  /** One line for people: where the images come from and how many there are. */
  readonly source: string;
}

/** About one image in this many is a test image. */
const TEST_SHARE = 10;
/** How many pictures are examined to decide whether a set is grey. */
const LOOKED_AT = 64;

/** Whether a word is the name of a known set; otherwise it is a path. */
export function isSetName(word: string): word is DataSetName {
  return (DATA_SETS as readonly string[]).includes(word);
}

/**
 * Resolves the value of `--data` to the name of a set or an absolute path.
 * @throws {FisherlabError} if it is neither
 */
export function setOrPath(word: string): string {
  if (!isSetName(word) && existsSync(word)) return path.resolve(word);
  assertKnown('data set', word, DATA_SETS);
  return word;
}

/**
 * The first `limit` images (by default all) of one split of a set.
 * @param word the name of a set, or the path of a folder, picture or array
 * @param options `reading` says how to read arrays
 * @throws {FisherlabError} as `dataset` and `ownImages` do, and if the split has no images
 */
export async function imageSet(
  word: string,
  split: Split,
  { limit, reading }: { limit?: number; reading?: ArrayReading } = {},
): Promise<ImageSet> {
  if (isSetName(word)) return dataset(word, split, limit === undefined ? {} : { limit });
  const channels = await channelsOf(word, reading);
  const hasSplit = ['train', 'test'].every((side) => existsSync(path.join(word, side)));
  const { images: all, leftOut } = await ownImages([hasSplit ? path.join(word, split) : word], {
    height: SIDE,
    width: SIDE,
    channels,
    ...reading,
  });
  const positions = Array.from({ length: all.count }, (_, k) => k);
  const indices = noiseIndices(all, positions);
  const isTest = (k: number) => (indices[k] as number) % TEST_SHARE === 0;
  const chosen = positions
    .filter((k) => hasSplit || isTest(k) === (split === 'test'))
    .slice(0, limit);
  if (chosen.length === 0)
    throw new FisherlabError(
      `none of the ${all.count} images in '${word}' is a ${split} image`,
      'give more images, or the sub-folders train and test',
    );
  const [first] = leftOut;
  const without =
    first === undefined
      ? ''
      : `; ${leftOut.length} were left out, the first one, '${first.name}', because it ${first.reason}`;
  return {
    name: path.basename(word),
    split,
    images: picked(all, chosen).images,
    count: chosen.length,
    shape: [SIDE, SIDE, channels],
    source: `${word} ${split}: ${chosen.length} of ${all.count} images of your own${without}`,
  };
}

/**
 * The number of channels of a set's images: 1 or 3.
 * @throws {FisherlabError} if there are no images
 */
export async function channelsOf(word: string, reading?: ArrayReading): Promise<number> {
  if (isSetName(word)) return dataSet(word).channels;
  const { files } = await ownFiles([word]);
  const few = files.slice(0, LOOKED_AT).map(({ file }) => file);
  const size = { height: SIDE, width: SIDE, channels: 3 };
  const { treatments } = await ownImages(few, { ...size, ...reading });
  return treatments.every(({ greyToColour }) => greyToColour) ? 1 : 3;
}
