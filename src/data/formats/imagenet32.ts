/**
 * # ImageNet32, the downsampled ImageNet
 *
 * A zip of NumPy archives (themselves zips): `train_data_batch_1.npz` … `_10.npz`, or
 * `val_data.npz`; each holds `data.npy`, uint8 [N, 3072], with red, green and blue planes. Only one
 * archive at a time is in memory, at most 400 MB. Labels are left out: 1000 classes do not fit in a
 * byte.
 *
 * Reference: Chrabaszcz et al. 2017, https://patrykchrabaszcz.github.io/Imagenet32
 */
import { parseUint8Header } from '../npy';
import { planesToPixels } from './cifar';
import { type Converter, nth, numbered } from './portion';
import { Zip } from './zip';

const PIXELS = 3072;
/** The number of archives of the training set. */
const BATCHES = 10;
const MOST = 512 << 20;

export const imagenet32: Converter = async function* (files, split) {
  const zip = await Zip.open(nth(files, 0));
  try {
    const found = zip.names(split === 'train' ? /train_data_batch_\d+\.npz$/ : /val_data\.npz$/);
    for (const name of numbered(found, /_(\d+)\.npz$/, split === 'train' ? BATCHES : 1))
      yield { images: await images(await zip.read(name, MOST), name) };
  } finally {
    zip.close();
  }
};

async function images(archive: Buffer, name: string): Promise<Uint8Array> {
  const zip = await Zip.open(archive);
  try {
    const file = await zip.read('data.npy', MOST);
    const header = parseUint8Header(file);
    const [count, pixels] = header?.shape ?? [];
    if (header === null || count === undefined || pixels !== PIXELS)
      throw new Error(`'${name}' has no data of [N, ${PIXELS}]`);
    if (file.length - header.start !== count * PIXELS)
      throw new Error(`'${name}' does not hold the ${count} images it says`);
    const out = new Uint8Array(count * PIXELS); // [N, 32, 32, 3]
    for (let n = 0; n < count; n++)
      planesToPixels(file, header.start + n * PIXELS, out, n * PIXELS);
    return out;
  } finally {
    zip.close();
  }
}
