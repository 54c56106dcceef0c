/**
 * # Tiny-ImageNet at 32x32
 *
 * A zip of 64x64 JPEGs: `train/<WordNet id>/images/*.JPEG`, and `val/images/*.JPEG` with the ids in
 * `val/val_annotations.txt`; the official test set has no labels, so the validation set serves as
 * test. Each 2x2 block is averaged.
 *
 * Reference: Le and Yang 2015, http://cs231n.stanford.edu/tiny-imagenet-200.zip
 */
import path from 'node:path';
import { raster } from './picture';
import { type Converter, nth } from './portion';
import { areaAverage } from './resize';
import { type Decode, pictures, Zip } from './zip';

const decode: Decode = async (bytes, name) => {
  try {
    return areaAverage(await raster(bytes, 3), 32);
  } catch (error) {
    throw new Error(`'${name}': ${(error as Error).message}`);
  }
};

export const tinyimagenet: Converter = async function* (files, split) {
  const zip = await Zip.open(nth(files, 0));
  try {
    const read = async (file: RegExp) =>
      (await zip.read(nth(zip.names(file), 0), 4 << 20)).toString('utf8');
    const ids = (await read(/(^|\/)wnids\.txt$/)).split(/\s+/).filter(Boolean).sort();
    const index = (id: string | undefined) => {
      const found = ids.indexOf(id ?? '');
      if (found < 0) throw new Error(`'${id}' is not among the WordNet ids`);
      return found;
    };
    if (split === 'train') {
      const names = zip.names(/\/train\/n\d+\/images\/[^/]+\.JPEG$/);
      yield* pictures(zip, names, decode, {
        label: (name) => index(name.split('/').at(-3)),
        seed: 0,
      });
    } else {
      const lines = (await read(/\/val\/val_annotations\.txt$/)).split(/\r?\n/);
      const classes = new Map(
        lines.map((line) => line.split('\t')).map(([file, id]) => [file, id]),
      );
      yield* pictures(zip, zip.names(/\/val\/images\/[^/]+\.JPEG$/), decode, {
        label: (name) => index(classes.get(path.posix.basename(name))),
      });
    }
  } finally {
    zip.close();
  }
};
