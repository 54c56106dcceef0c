/**
 * # CelebA, aligned faces
 *
 * A zip of `img_align_celeba/000001.jpg` … `202599.jpg`, 178x218. The paper's crop is the box (15,
 * 40)–(163, 188), 148x148, resized to 32x32 with smoothing (a triangle filter as wide as the scale
 * factor, as in PIL's bilinear). The official partition is by number: training up to 162770,
 * testing from 182638 on, and validation in between (not used).
 *
 * Reference: Liu et al. 2015, https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html,
 * `list_eval_partition.txt`
 */
import path from 'node:path';
import { picture } from './picture';
import { type Converter, nth } from './portion';
import { type Decode, pictures, Zip } from './zip';

const LAST_TRAIN = 162770;
const FIRST_TEST = 182638;

const decode: Decode = async (bytes, name) => {
  try {
    return await picture(bytes)
      .toColourspace('srgb')
      .extract({ left: 15, top: 40, width: 148, height: 148 })
      .resize(32, 32, { kernel: 'linear', fastShrinkOnLoad: false })
      .removeAlpha()
      .raw()
      .toBuffer();
  } catch (error) {
    throw new Error(`'${name}': ${(error as Error).message}`);
  }
};

export const celeba: Converter = async function* (files, split) {
  const zip = await Zip.open(nth(files, 0));
  try {
    const number = (name: string) => Number(path.posix.basename(name, '.jpg'));
    const names = zip
      .names(/(^|\/)\d{6}\.jpg$/)
      .filter((name) =>
        split === 'train' ? number(name) <= LAST_TRAIN : number(name) >= FIRST_TEST,
      );
    yield* pictures(zip, names, decode);
  } finally {
    zip.close();
  }
};
