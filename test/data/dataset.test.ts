import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { cacheFolder, dataset } from '../../src/data/index';
import { writeLabels } from '../../src/data/labels';
import { npyHeader } from '../../src/data/npy';
import { bytes, ownFolder } from './help';

/** Writes a split in the one layout. */
function put(
  folder: string,
  name: string,
  shape: number[],
  pixels: Uint8Array,
  labels?: Uint8Array,
  split = 'test',
) {
  mkdirSync(path.join(folder, name), { recursive: true });
  writeFileSync(
    path.join(folder, name, `${split}-images.npy.gz`),
    gzipSync(Buffer.concat([npyHeader(shape), pixels])),
  );
  if (labels !== undefined)
    writeFileSync(
      path.join(folder, name, `${split}-labels.npy`),
      Buffer.concat([npyHeader([labels.length]), labels]),
    );
}

describe('data sets', () => {
  const folder = ownFolder();

  it('FISHERLAB_DATA comes before the official download, and that before the embedded excerpt', async () => {
    assert.match(
      (await dataset('mnist', 'test')).source,
      /^mnist test: all 2,000 images of the embedded excerpt$/,
    );
    put(cacheFolder(), 'mnist', [3, 28, 28, 1], bytes(3 * 784));
    assert.equal(
      (await dataset('mnist', 'test')).source,
      'mnist test: all 3 images of the official download',
    );
    process.env.FISHERLAB_DATA = path.join(folder(), 'mine');
    mkdirSync(process.env.FISHERLAB_DATA);
    assert.equal((await dataset('mnist', 'test')).count, 3);
    put(process.env.FISHERLAB_DATA, 'mnist', [2, 28, 28, 1], bytes(2 * 784));
    assert.equal(
      (await dataset('mnist', 'test')).source,
      'mnist test: all 2 images of FISHERLAB_DATA',
    );
  });

  it('grey images are centred on 32x32 black ones, pixel by pixel', async () => {
    const pixels = bytes(2 * 784, 5);
    put(cacheFolder(), 'kmnist', [2, 28, 28, 1], pixels, Uint8Array.of(4, 9));
    const set = await dataset('kmnist', 'test');
    assert.deepEqual(set.shape, [32, 32, 1]);
    for (let i = 0; i < set.images.length; i++) {
      const [n, y, x] = [Math.floor(i / 1024), (Math.floor(i / 32) % 32) - 2, (i % 32) - 2];
      const inside = x >= 0 && x < 28 && y >= 0 && y < 28;
      assert.equal(set.images[i], inside ? pixels[n * 784 + y * 28 + x] : 0);
    }
    assert.deepEqual(set.labels, Uint8Array.of(4, 9));
  });

  it('colour images come as they are stored, and a limit takes the first of them with their labels', async () => {
    const pixels = bytes(5 * 3072, 6);
    put(cacheFolder(), 'svhn', [5, 32, 32, 3], pixels, Uint8Array.of(1, 2, 3, 4, 5), 'train');
    const all = await dataset('svhn', 'train');
    assert.deepEqual([all.count, all.shape, all.images], [5, [32, 32, 3], new Uint8Array(pixels)]);
    const two = await dataset('svhn', 'train', { limit: 2 });
    assert.deepEqual(two.images, all.images.slice(0, 2 * 3072));
    assert.deepEqual(two.labels, Uint8Array.of(1, 2));
    assert.equal(two.source, 'svhn train: first 2 of 5 images of the official download');
    assert.equal((await dataset('svhn', 'train', { limit: 99 })).count, 5);
  });

  it('unknown or missing sets are reported with how to fix it', async () => {
    await assert.rejects(
      dataset('cifar11'),
      /data set 'cifar11' is not known; choose one of svhn, celeba, gtsrb, cifar10/,
    );
    await assert.rejects(
      dataset('mnist', 'valid'),
      /split 'valid' is not known; choose one of train, test/,
    );
    await assert.rejects(
      dataset('svhn'),
      /'svhn' \(test\) is not on this machine; get it with 'fisherlab data download svhn' or .*FISHERLAB_DATA/,
    );
    await assert.rejects(dataset('imagenet32'), /--from FILE.*tinyimagenet32 can stand in/);
    await assert.rejects(dataset('notmnist', 'train'), /no official train set; ask for test/);
    await assert.rejects(dataset('mnist', 'test', { limit: 0 }), /limited to 0 images/);
    process.env.FISHERLAB_DATA = path.join(folder(), 'nowhere');
    await assert.rejects(
      dataset('mnist'),
      /FISHERLAB_DATA names '.*nowhere', which is not a folder; correct or unset/,
    );
  });

  it('images of a wrong shape, labels of another number, a truncated file are refused by name', async () => {
    put(cacheFolder(), 'cifar10', [2, 32, 31, 3], bytes(2 * 32 * 31 * 3));
    await assert.rejects(
      dataset('cifar10'),
      /images of 'cifar10' .* have shape \[2, 32, 31, 3\]; the shape must be \[N, 32, 32, 3\]/,
    );
    put(cacheFolder(), 'cifar10', [2, 32, 32, 3], bytes(2 * 3072), Uint8Array.of(1, 2, 3));
    await assert.rejects(
      dataset('cifar10'),
      /labels of 'cifar10' .* have shape \[3\] for 2 images/,
    );
    put(cacheFolder(), 'cifar10', [2, 32, 32, 3], bytes(2 * 3072), Uint8Array.of(9, 10));
    const outside = /labels of 'cifar10' .* have the class 10, and the classes are 0 to 9; restore/;
    await assert.rejects(dataset('cifar10'), outside);
    await assert.rejects(dataset('cifar10', 'test', { limit: 1 }), outside);
    put(cacheFolder(), 'cifar10', [2, 32, 32, 3], bytes(2 * 3072 - 5));
    await assert.rejects(dataset('cifar10'), /test images of 'cifar10' .* cannot be read/);
  });

  it('labels that do not match their checksum are refused by name', async () => {
    put(cacheFolder(), 'mnist', [2, 28, 28, 1], bytes(2 * 784));
    const file = path.join(cacheFolder(), 'mnist', 'test-labels.npy');
    await writeLabels(file, Buffer.concat([npyHeader([2]), Uint8Array.of(4, 9)]));
    assert.deepEqual((await dataset('mnist')).labels, Uint8Array.of(4, 9));
    const altered = readFileSync(file);
    altered.writeUInt8(5, altered.length - 1);
    writeFileSync(file, altered);
    const refused =
      /test labels of 'mnist' .* were altered: their SHA-256 is not .*\.sha256'; restore the file/;
    await assert.rejects(dataset('mnist'), refused);
    await assert.rejects(
      dataset('mnist', 'test', { limit: 1 }),
      refused,
      'of a label that was not asked for, too',
    );
  });
});
