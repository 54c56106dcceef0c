import assert from 'node:assert/strict';
import {
  type Images,
  joinedHalves,
  picked,
  shuffled,
  shuffledPatches,
  upsideDown,
} from '../../src/data/index';
import { bytes } from './help';

const [side, channels] = [8, 3];
const set = (count: number) => ({
  name: 'noise',
  count,
  shape: [side, side, channels] as const,
  images: new Uint8Array(bytes(count * side * side * channels)),
});
type Set = Images;
/** Pixel (y, x) of image k. */
const pixel = ({ images }: Pick<Set, 'images'>, k: number, y: number, x: number) => {
  const at = ((k * side + y) * side + x) * channels;
  return [...images.subarray(at, at + channels)];
};
const places = Array.from({ length: side * side }, (_, k) => [Math.floor(k / side), k % side]);
/** The pixels of image k, each as text, in the order of texts. */
const content = (one: Pick<Set, 'images'>, k: number) =>
  places.map(([y, x]) => pixel(one, k, y as number, x as number).join()).sort();

describe('rearranged familiar images', () => {
  it('upside down: each pixel is as far from the bottom as it was from the top', () => {
    const [before, after] = [set(3), upsideDown(set(3))];
    for (const [y, x] of places as [number, number][])
      assert.deepEqual(pixel(after, 1, y, x), pixel(before, 1, side - 1 - y, x));
    assert.deepEqual(upsideDown(after).images, before.images);
  });

  it('patches shuffled: each image has all its patches, unchanged, in its own order', () => {
    const [before, after] = [set(2), shuffledPatches(set(2), 7, 4)];
    const patches = (one: Pick<Set, 'images'>, k: number) =>
      [0, 4].flatMap((top) =>
        [0, 4].map((left) =>
          places
            .filter(([y = 0, x = 0]) => y < 4 && x < 4)
            .map(([y = 0, x = 0]) => pixel(one, k, top + y, left + x).join())
            .join(' '),
        ),
      );
    const orders = [0, 1].map((k) => {
      const known = patches(before, k);
      const order = patches(after, k).map((patch) => known.indexOf(patch));
      assert.deepEqual([...order].sort(), [0, 1, 2, 3]);
      return order.join();
    });
    assert.notEqual(orders[0], orders[1]);
    assert.deepEqual(shuffledPatches(set(2), 7, 4).images, after.images);
    assert.notDeepEqual(shuffledPatches(set(2), 8, 4).images, after.images);
  });

  it('says which patches do not tile an image', () => {
    assert.throws(
      () => shuffledPatches(set(1), 1, 3),
      /patches of 3 pixels do not tile an image of 8x8/,
    );
  });

  it('halves joined: the left half is from the image itself, the right half from the next, cyclically', () => {
    const [before, after] = [set(3), joinedHalves(set(3))];
    for (const [y, x] of places as [number, number][])
      assert.deepEqual(pixel(after, 2, y, x), pixel(before, x < side / 2 ? 2 : 0, y, x));
  });
});

describe('the order of a set', () => {
  it('depends only on a seed, and keeps every image with its label', () => {
    const labelled = { ...set(20), labels: Uint8Array.from({ length: 20 }, (_, k) => k) };
    const mixed = shuffled(labelled, 3);
    assert.deepEqual(mixed, shuffled(labelled, 3));
    assert.notDeepEqual([...mixed.labels], [...labelled.labels]);
    assert.deepEqual(
      [...mixed.labels].sort((a, b) => a - b),
      [...labelled.labels],
    );
    for (const [k, label] of mixed.labels.entries())
      assert.deepEqual(content(mixed, k), content(labelled, label));
  });

  it('can be chosen, some images left out', () => {
    const chosen = picked(set(5), [4, 1]);
    assert.equal(chosen.count, 2);
    assert.deepEqual(content(chosen, 0), content(set(5), 4));
    assert.deepEqual(content(chosen, 1), content(set(5), 1));
  });
});
