/**
 * # The excerpts that come with the program
 *
 * A fresh clone can show real results without a download, because `data/` holds the first test
 * images of the sets whose owners allow it: thousands of each grey set, a thousand of CIFAR-10 and
 * of GTSRB. They are cut from a folder of full sets by
 *
 *     FISHERLAB_DATA=… npx tsx src/data/excerpt.ts
 *
 * which also writes the table of checksums in `data/README.md`. There are no images of SVHN, CelebA
 * or (Tiny-)ImageNet, because their terms forbid it, and none of notMNIST, which states no terms.
 * The checksum of the images is that of the *inflated* `.npy`, because different versions of zlib
 * compress the same bytes differently.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { writeBeside } from '../backend/index';
import { FisherlabError } from '../errors';
import { excerptFolder } from './find';
import { writeLabels } from './labels';
import { npyHeader, readNpy } from './npy';
import { type DataSetName, dataSet } from './sets';

/** How many test images of each set are in `data/`. */
export const EXCERPTS: Partial<Record<DataSetName, number>> = {
  fashion_mnist: 4000,
  mnist: 2000,
  kmnist: 2000,
  emnist_letters: 2000,
  omniglot: 2000,
  cifar10: 1000,
  gtsrb: 1000,
};

/** Both `.npy` files of an excerpt; that of the images is gzipped when it is written. */
export interface Excerpt {
  readonly images: Buffer;
  readonly labels: Buffer;
}

/** The first `count` test images and labels of a set in `folder` (layout of FISHERLAB_DATA). */
export async function excerpt(name: DataSetName, count: number, folder: string): Promise<Excerpt> {
  const images = await readNpy(
    path.join(folder, name, 'test-images.npy.gz'),
    `images of '${name}'`,
    count,
  );
  const labels = await readNpy(
    path.join(folder, name, 'test-labels.npy'),
    `labels of '${name}'`,
    count,
  );
  if (images.rows < count)
    throw new FisherlabError(
      `'${name}' has ${images.rows} test images, not ${count}`,
      'name a folder with the full set',
    );
  return {
    images: Buffer.concat([npyHeader([count, ...images.shape.slice(1)]), images.data]),
    labels: Buffer.concat([npyHeader([count]), labels.data]),
  };
}

const START = '<!-- table: written by src/data/excerpt.ts -->';
const END = '<!-- end of table -->';

/** Writes all excerpts and the table of `data/README.md`. */
export async function writeExcerpts(from: string, to: string): Promise<void> {
  const lines = [
    '| set | test images | bytes | source | licence | SHA-256 of the inflated `test-images.npy.gz` | SHA-256 of `test-labels.npy` |',
    '|---|---|---|---|---|---|---|',
  ];
  for (const [name, count] of Object.entries(EXCERPTS) as [DataSetName, number][]) {
    const { images, labels } = await excerpt(name, count, from);
    const packed = gzipSync(images, { level: constants.Z_BEST_COMPRESSION, memLevel: 9 });
    const sums = [images, labels].map(
      (bytes) => `\`${createHash('sha256').update(bytes).digest('hex')}\``,
    );
    await writeBeside(path.join(to, name, 'test-images.npy.gz'), packed);
    await writeLabels(path.join(to, name, 'test-labels.npy'), labels);
    const { title, licence, cite } = dataSet(name);
    lines.push(
      `| \`${name}\` | ${count} | ${packed.length + labels.length} | ${title}. ${cite} | ${licence} | ${sums.join(' | ')} |`,
    );
  }
  const readme = path.join(to, 'README.md');
  const [before, rest = ''] = readFileSync(readme, 'utf8').split(START);
  await writeBeside(
    readme,
    `${before}${START}\n${lines.join('\n')}\n${END}${rest.split(END)[1] ?? '\n'}`,
  );
}

if (require.main === module) {
  const from = process.env.FISHERLAB_DATA;
  if (from === undefined)
    throw new FisherlabError('FISHERLAB_DATA is not set', 'name the folder of the full sets');
  void writeExcerpts(from, excerptFolder());
}
