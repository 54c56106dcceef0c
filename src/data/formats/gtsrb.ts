/**
 * # GTSRB
 *
 * Zips of PPM images of 15 to 250 pixels: for training `…/<class>/<track>_<frame>.ppm`, for testing
 * `…/<number>.ppm` with the classes in `GT-final_test.csv` of another zip. The *whole* image is
 * resized (the box around the sign is not used, as in the paper), bilinear without smoothing, and
 * rounded to 8 bits; the paper's code did not round.
 *
 * Reference: Stallkamp et al. 2012, https://benchmark.ini.rub.de
 */
import path from 'node:path';
import { type Converter, nth } from './portion';
import { parsePpm } from './ppm';
import { bilinear } from './resize';
import { type Decode, pictures, Zip } from './zip';

const decode: Decode = async (bytes, name) => {
  try {
    return bilinear(parsePpm(bytes), 32);
  } catch (error) {
    throw new Error(`'${name}': ${(error as Error).message}`);
  }
};

export const gtsrb: Converter = async function* (files, split) {
  const zip = await Zip.open(nth(files, 0));
  try {
    if (split === 'train') {
      const names = zip.names(/\/\d{5}\/[^/]+\.ppm$/);
      yield* pictures(zip, names, decode, {
        label: (name) => Number(path.posix.basename(path.posix.dirname(name))),
        seed: 0,
      });
    } else {
      const classes = await testClasses(nth(files, 1));
      const label = (name: string) => {
        const found = classes.get(path.posix.basename(name));
        if (found === undefined) throw new Error(`'${name}' has no class`);
        return found;
      };
      yield* pictures(zip, zip.names(/\.ppm$/), decode, { label });
    }
  } finally {
    zip.close();
  }
};

/** File name to class, from `Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId`. */
async function testClasses(file: string): Promise<Map<string, number>> {
  const zip = await Zip.open(file);
  try {
    const text = (await zip.read(nth(zip.names(/GT-final_test\.csv$/), 0), 4 << 20)).toString(
      'utf8',
    );
    const rows = text.split(/\r?\n/).filter((line) => line.includes('.ppm'));
    return new Map(
      rows.map((line) => {
        const cells = line.split(';');
        return [cells[0] as string, Number(cells[7])];
      }),
    );
  } finally {
    zip.close();
  }
}
