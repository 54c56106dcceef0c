import assert from 'node:assert/strict';
import fc from 'fast-check';
import { augment, augmentationOf, NO_AUGMENTATION } from '../../src/training/augment';

describe('augmentation', () => {
  it('is what the paper does for each set', () => {
    assert.deepEqual(augmentationOf('cifar10'), { translate: 0.1, flip: true, mutate: 0 });
    assert.deepEqual(augmentationOf('svhn'), { translate: 0.1, flip: false, mutate: 0 });
    assert.deepEqual(augmentationOf('celeba'), { translate: 0, flip: false, mutate: 0 });
  });

  it('moves every image by whole pixels, at most a tenth of the side, and fills with black', () => {
    const [h, w] = [20, 20];
    const image = new Float32Array(h * w);
    image[10 * w + 10] = 200; // one bright pixel in the middle
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const out = augment(image, [1, h, w, 1], { ...NO_AUGMENTATION, translate: 0.1 }, seed);
        const at = out.findIndex((value) => value !== 0);
        assert.equal(out.filter((value) => value !== 0).length, 1);
        assert.ok(
          Math.abs(Math.floor(at / w) - 10) <= 2 && Math.abs((at % w) - 10) <= 2,
          `pixel at ${at}`,
        );
      }),
    );
  });

  it('flips about half of the images and keeps the channels of a pixel together', () => {
    // 200 images of 1 x 2 pixels
    const images = Float32Array.from({ length: 200 * 2 * 3 }, (_, k) => k % 6);
    const out = augment(images, [200, 1, 2, 3], { ...NO_AUGMENTATION, flip: true }, 1);
    let flipped = 0;
    for (let n = 0; n < 200; n++) {
      const image = Array.from(out.subarray(6 * n, 6 * n + 6));
      if (image[0] === 3) flipped++;
      assert.ok(image.join() === '0,1,2,3,4,5' || image.join() === '3,4,5,0,1,2', image.join());
    }
    assert.ok(flipped > 70 && flipped < 130, `${flipped} of 200`);
  });

  it('replaces the given share of values by whole numbers spread evenly over 0 … 255', () => {
    const images = new Float32Array(10 * 32 * 32 * 3).fill(1000);
    const out = augment(images, [10, 32, 32, 3], { ...NO_AUGMENTATION, mutate: 0.3 }, 7);
    const drawn = out.filter((value) => value !== 1000);
    const deviations = (observed: number, p: number, n: number) =>
      Math.abs(observed - n * p) / Math.sqrt(n * p * (1 - p));
    assert.ok(deviations(drawn.length, 0.3, out.length) < 4, `${drawn.length} of ${out.length}`);
    assert.ok(drawn.every((value) => Number.isInteger(value) && value >= 0 && value <= 255));
    const low = drawn.filter((value) => value < 64).length;
    assert.ok(deviations(low, 0.25, drawn.length) < 4, `${low} of ${drawn.length} below 64`);
    assert.ok(new Set(drawn).size === 256, 'every value occurs');
  });

  it('gives the same for the same seed and leaves its input alone', () => {
    const images = Float32Array.from({ length: 3 * 100 }, (_, k) => k % 251);
    const copy = images.slice();
    const run = (seed: number) =>
      augment(images, [3, 10, 10, 1], { translate: 0.2, flip: true, mutate: 0.2 }, seed);
    assert.deepEqual(run(5), run(5));
    assert.notDeepEqual(run(5), run(6));
    assert.deepEqual(images, copy);
  });
});
