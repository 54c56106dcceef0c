import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { channelsOf, imageSet, setOrPath } from '../../src/data/index';
import { npyHeader } from '../../src/data/npy';
import { bytes, ownFolder } from './help';

/** An array of `count` images of random pixels, made from a seed each. */
function array(file: string, count: number, channels: number): Buffer[] {
  mkdirSync(path.dirname(file), { recursive: true });
  const images = Array.from({ length: count }, (_, k) => bytes(32 * 32 * channels, k + 1));
  writeFileSync(file, Buffer.concat([npyHeader([count, 32, 32, channels]), ...images]));
  return images;
}

describe('your own set of images', () => {
  const folder = ownFolder();

  it('puts about one image in ten into the test split, and keeps images there when others are added', async () => {
    const file = path.join(folder(), 'own', 'some.npy');
    const images = array(file, 200, 1);
    const own = path.dirname(file);
    const sides = async () => {
      const [train, test] = [await imageSet(own, 'train'), await imageSet(own, 'test')];
      const pixels = ({ images: all, count }: typeof train) =>
        Array.from({ length: count }, (_, k) =>
          Buffer.from(all.subarray(1024 * k, 1024 * (k + 1))).toString('hex'),
        );
      return { train: pixels(train), test: pixels(test), shape: train.shape };
    };
    const { train, test, shape } = await sides();
    assert.deepEqual(shape, [32, 32, 1]);
    assert.deepEqual(
      [...train, ...test].sort(),
      images.map((image) => image.toString('hex')).sort(),
    );
    // Four standard deviations of a binomial number of 200 and 0.1.
    assert.ok(Math.abs(test.length - 20) < 17, `${test.length} test images`);
    array(path.join(own, 'a-first.npy'), 230, 1); // the same ones and 30 more, before them
    const more = await sides();
    assert.deepEqual(
      test.filter((image) => !more.test.includes(image)),
      [],
    );
    assert.deepEqual(
      train.filter((image) => more.test.includes(image)),
      [],
    );
  });

  it('is split by the sub-folders train and test if they exist', async () => {
    array(path.join(folder(), 'train', 'a.npy'), 3, 3);
    array(path.join(folder(), 'test', 'b.npy'), 2, 3);
    const [train, test] = [await imageSet(folder(), 'train'), await imageSet(folder(), 'test')];
    assert.deepEqual([train.count, test.count, await channelsOf(folder())], [3, 2, 3]);
    assert.match(test.source, /test: 2 of 2 images of your own$/);
  });

  it('of arrays whose numbers say nothing of their range is read as it is told to, on both sides', async () => {
    const grey = array(path.join(folder(), 'as-bytes', 'a.npy'), 60, 1);
    const floats = Float32Array.from(Buffer.concat(grey), (byte) => byte / 255);
    const file = path.join(folder(), 'floats', 'a.npy');
    mkdirSync(path.dirname(file), { recursive: true });
    const header = npyHeader([60, 32, 32, 1]).toString('latin1').replace("'|u1'", "'<f4'");
    writeFileSync(file, Buffer.concat([Buffer.from(header, 'latin1'), Buffer.from(floats.buffer)]));
    const own = path.dirname(file);
    await assert.rejects(imageSet(own, 'train'), /the range from black to white is unknown/);
    const reading = { values: '0..1' } as const;
    assert.equal(await channelsOf(own, reading), 1);
    for (const side of ['train', 'test'] as const) {
      const [told, bytes] = [
        await imageSet(own, side, { reading }),
        await imageSet(path.join(folder(), 'as-bytes'), side),
      ];
      assert.ok(bytes.count > 0);
      assert.deepEqual(told.images, bytes.images);
    }
  });

  it('is a known set if it has the name of one, otherwise a path if that exists, otherwise an error', async () => {
    assert.equal(setOrPath('mnist'), 'mnist');
    assert.equal(setOrPath(folder()), folder());
    assert.throws(() => setOrPath('cifar11'), /data set 'cifar11' is not known; choose one of/);
    assert.equal(await channelsOf('mnist'), 1);
    assert.equal((await imageSet('mnist', 'test', { limit: 3 })).count, 3);
    const alone = path.join(folder(), 'one.npy');
    array(alone, 1, 1);
    const counts = await Promise.allSettled([imageSet(alone, 'train'), imageSet(alone, 'test')]);
    const refused = counts.find((one) => one.status === 'rejected');
    assert.match(String(refused?.reason), /none of the 1 images in .* is a (train|test) image/);
  });
});
