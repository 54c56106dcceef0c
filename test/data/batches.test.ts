import assert from 'node:assert/strict';
import fc from 'fast-check';
import { startBackend, tf } from '../../src/backend/start';
import { batches, type Dataset, pixels } from '../../src/data/index';
import { bytes } from './help';

const set = (count: number): Dataset => ({
  name: 'cifar10',
  split: 'test',
  source: 'a test',
  licence: '',
  images: new Uint8Array(bytes(count * 3072)),
  count,
  shape: [32, 32, 3],
});

describe('batches', () => {
  before(startBackend);

  it('without a seed the images come in order, and a last batch that is not full is dropped unless asked for', () => {
    assert.deepEqual(
      [...batches(set(7), 3)],
      [
        [0, 1, 2],
        [3, 4, 5],
      ],
    );
    assert.deepEqual([...batches(set(7), 3, { keepLast: true })], [[0, 1, 2], [3, 4, 5], [6]]);
    assert.deepEqual([...batches(set(2), 3, { keepLast: true })], [[0, 1]]);
  });

  it('with a seed every image comes once, in an order that depends only on the seed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 50 }),
        fc.nat(1e9),
        (count, size, seed) => {
          const one = [...batches({ name: 'mnist', count }, size, { seed, keepLast: true })].flat();
          const other = [
            ...batches({ name: 'mnist', count }, size + 3, { seed, keepLast: true }),
          ].flat();
          assert.deepEqual(one, other);
          assert.deepEqual(
            [...one].sort((a, b) => a - b),
            [...Array(count).keys()],
          );
        },
      ),
      { seed: 1 },
    );
    assert.notDeepEqual(
      [...batches(set(50), 50, { seed: 1 })],
      [...batches(set(50), 50, { seed: 2 })],
    );
  });

  it('a batch larger than the set, or of no images, is refused', () => {
    assert.throws(
      () => [...batches(set(4), 5)],
      /a batch of 5 images is larger than the 4 of 'cifar10'; choose a smaller batch/,
    );
    assert.throws(() => [...batches(set(4), 0)], /cannot have 0 images/);
    assert.throws(() => [...batches(set(4), 1.5)], /cannot have 1.5 images/);
  });

  it('pixels that are not bytes, or of the wrong number, are refused', () => {
    const two = set(2);
    for (const images of [
      Float32Array.from(two.images, (value) => 1000 * value) as unknown as Uint8Array,
      two.images.subarray(1),
    ])
      assert.throws(() => pixels({ ...two, images }, [0]), {
        name: 'FisherlabError',
        message: /'cifar10' has \d+ pixel values .* give a Uint8Array of 6144 values from 0 to 255/,
      });
  });

  it('pixels are the bytes of the images asked for, as float32 0..255, one tensor and no more', () => {
    const some = set(4);
    const before = tf.memory().numTensors;
    const tensor = pixels(some, [3, 0, 3]);
    assert.deepEqual([tensor.shape, tensor.dtype], [[3, 32, 32, 3], 'float32']);
    const expected = [3, 0, 3].flatMap((n) => [...some.images.subarray(n * 3072, (n + 1) * 3072)]);
    assert.deepEqual([...tensor.dataSync()], expected);
    assert.equal(tf.memory().numTensors, before + 1);
    tensor.dispose();
    assert.throws(() => pixels(some, [4]), /image 4 is not in 'cifar10'; its images are 0 … 3/);
    assert.throws(() => pixels(some, [-1]), /image -1 is not/);
  });
});
