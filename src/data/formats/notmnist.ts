/**
 * # notMNIST (small)
 *
 * A gzipped tar of 28x28 PNGs, `…/<letter>/<name>.png`, letters A to J. A few files are known to be
 * empty or broken and are left out (at most one in a hundred may be). The images are shuffled once,
 * because the archive is sorted by letter.
 *
 * Reference: Y. Bulatov 2011, http://yaroslavvb.blogspot.com/2011/09/notmnist-dataset.html
 */
import { permutation } from '../../backend/index';
import { raster } from './picture';
import { type Converter, joined, nth } from './portion';
import { readTar } from './tar-archive';

const SIDE = 28;
const MOST = 64 << 20;

export const notmnist: Converter = async function* (files) {
  const found = await readTar(nth(files, 0), /(^|\/)[A-J]\/[^/]+\.png$/, 1 << 20, MOST);
  const names = [...found.keys()].sort();
  const images: Uint8Array[] = [];
  const labels: number[] = [];
  for (const i of permutation(names.length, 0)) {
    const name = names[i] as string;
    const glyph = await decoded(found.get(name) as Buffer);
    if (glyph === null) continue;
    images.push(glyph);
    labels.push((name.split('/').at(-2) as string).charCodeAt(0) - 'A'.charCodeAt(0));
  }
  if (images.length < 0.99 * names.length)
    throw new Error(`${names.length - images.length} of its ${names.length} pictures are broken`);
  yield { images: joined(images), labels: Uint8Array.from(labels) };
};

/** Pixels of one glyph, or null where the file is broken. */
async function decoded(bytes: Buffer): Promise<Uint8Array | null> {
  try {
    const { data, width, height } = await raster(bytes, 1);
    return width === SIDE && height === SIDE ? data : null;
  } catch {
    return null;
  }
}
