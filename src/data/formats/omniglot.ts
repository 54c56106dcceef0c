/**
 * # Omniglot
 *
 * A zip of 105x105 PNGs, black strokes on white: `…/<alphabet>/<character>/<drawing>.png`. They are
 * averaged down to 28x28 and inverted, so that strokes are white on black as in the other grey
 * sets. The label is the number of the alphabet in sorted order.
 *
 * Reference: Lake et al. 2015, https://github.com/brendenlake/omniglot
 */
import { raster } from './picture';
import { type Converter, nth } from './portion';
import { areaAverage } from './resize';
import { type Decode, pictures, Zip } from './zip';

const decode: Decode = async (bytes, name) => {
  try {
    const drawing = await raster(bytes, 1);
    return areaAverage({ ...drawing, data: drawing.data.map((value) => 255 - value) }, 28);
  } catch (error) {
    throw new Error(`'${name}': ${(error as Error).message}`);
  }
};

export const omniglot: Converter = async function* (files) {
  const zip = await Zip.open(nth(files, 0));
  try {
    const names = zip.names(/[^/]+\/[^/]+\/[^/]+\.png$/);
    const alphabet = (name: string) => name.split('/').at(-3) as string;
    const alphabets = [...new Set(names.map(alphabet))].sort();
    yield* pictures(zip, names, decode, {
      label: (name) => alphabets.indexOf(alphabet(name)),
      seed: 0,
    });
  } finally {
    zip.close();
  }
};
