import assert from 'node:assert/strict';
import { dataset, picked } from '../../src/data/index';
import { nearestSubset, pixelTable } from '../../src/features/index';

describe('the subset of a set that looks most like another', () => {
  it('is the set itself, in its order, if it is among the others', async () => {
    const cifar = await dataset('cifar10', 'test', { limit: 40 });
    const familiar = picked(cifar, [31, 4, 17]);
    assert.deepEqual(nearestSubset(cifar, familiar).images, familiar.images);
  });

  it('takes no image twice, and is nearer in the nine numbers than the first ones are', async () => {
    const others = await dataset('gtsrb', 'test', { limit: 200 });
    const familiar = picked(await dataset('cifar10', 'test', { limit: 30 }), [...Array(30).keys()]);
    const near = nearestSubset(others, familiar);
    const size = near.images.length / near.count;
    const different = new Set(
      Array.from({ length: 30 }, (_, k) => near.images.subarray(k * size, (k + 1) * size).join()),
    );
    assert.equal(different.size, 30);
    const off = (set: typeof near) =>
      pixelTable(set, 1).columns.reduce((sum, { values }, j) => {
        const own = pixelTable(familiar, 1).columns[j]?.values as Float64Array;
        const mean = own.reduce((a, b) => a + b, 0) / own.length;
        const scale = Math.sqrt(own.reduce((a, b) => a + (b - mean) ** 2, 0) / (own.length - 1));
        return sum + values.reduce((a, b, k) => a + ((b - (own[k] as number)) / scale) ** 2, 0);
      }, 0);
    assert.ok(off(near) < 0.6 * off(picked(others, [...Array(30).keys()])));
  });

  it('is refused if there are fewer others than familiar images', async () => {
    const cifar = await dataset('cifar10', 'test', { limit: 5 });
    assert.throws(
      () => nearestSubset(picked(cifar, [0]), cifar),
      /has 1 images, too few to match 5/,
    );
  });
});
