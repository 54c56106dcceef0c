import assert from 'node:assert/strict';
import fc from 'fast-check';
import { noiseIndices } from '../../src/data/index';
import { noiseByIndex } from '../../src/numerics/random';
import { bytes } from './help';

const SIZE = 4 * 4 * 3;
const set = (images: readonly Buffer[]) => ({
  images: Uint8Array.from(Buffer.concat(images)),
  count: images.length,
});

describe('noise indices computed from pixels', () => {
  const some = Array.from({ length: 12 }, (_, k) => bytes(SIZE, k + 1));
  const every = (images: { count: number }) => [...new Array(images.count).keys()];
  const all = noiseIndices(set(some), every(set(some)));

  it('depend only on the image: any subset in any order has the same', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...some.keys()], { minLength: 1 }), (which) => {
        const subset = set(which.map((k) => some[k] as Buffer));
        const expected = which.map((k) => all[k]);
        assert.deepEqual(noiseIndices(subset, every(subset)), expected);
        assert.deepEqual(noiseIndices(set(some), which), expected);
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('are equal for equal images and differ when one value differs by one', () => {
    const one = some[0] as Buffer;
    for (let i = 0; i < SIZE; i++) {
      const other = Buffer.from(one);
      other[i] = (one[i] as number) ^ 1;
      const [a, b, c] = noiseIndices(set([one, other, Buffer.from(one)]), [0, 1, 2]);
      assert.equal(a, c);
      assert.notEqual(a, b);
    }
  });

  it('are 32 bits each of SHA-512, so that they stay the same across versions', () => {
    // Of 'abc', by FIPS 180-2, appendix C.1: ddaf35a193617aba cc417349ae204131 …
    const indices = noiseIndices(set([Buffer.from('abc')]), [0], 3);
    assert.deepEqual(indices, [0xa135afdd, 0xba7a6193, 0x497341cc]);
  });

  it('give each draw its own index, up to the 16 of a digest', () => {
    const indices = noiseIndices(set(some), [3, 1], 16);
    assert.equal(new Set(indices).size, 32);
    assert.deepEqual([indices[0], indices[16]], [all[3], all[1]]);
    assert.throws(() => noiseIndices(set(some), [0], 17), /cannot have 17 draws of noise/);
    assert.throws(() => noiseIndices(set(some), [0], 0), /cannot have 0 draws of noise/);
  });

  it('give different images different noise', () => {
    const noise = noiseByIndex('uniform', 1, all, 5);
    const firsts = new Set(all.map((_, k) => noise[5 * k]));
    assert.equal(firsts.size, all.length);
  });
});
