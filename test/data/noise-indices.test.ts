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

describe('indices of noise for images without a place', () => {
  const some = Array.from({ length: 12 }, (_, k) => bytes(SIZE, k + 1));
  const all = noiseIndices(set(some));

  it('depend on an image alone: any subset in any order has the same', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...some.keys()], { minLength: 1 }), (which) => {
        assert.deepEqual(
          noiseIndices(set(which.map((k) => some[k] as Buffer))),
          which.map((k) => all[k]),
        );
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('are equal for equal images and differ when one value differs by one', () => {
    const one = some[0] as Buffer;
    for (let i = 0; i < SIZE; i++) {
      const other = Buffer.from(one);
      other[i] = (one[i] as number) ^ 1;
      const [a, b, c] = noiseIndices(set([one, other, Buffer.from(one)]));
      assert.equal(a, c);
      assert.notEqual(a, b);
    }
  });

  it('are the first 32 bits of SHA-256, so that they stay the same over versions', () => {
    // Of 'abc', by FIPS 180-2, appendix B.1: ba7816bf 8f01cfea …
    assert.deepEqual(noiseIndices(set([Buffer.from('abc')])), [0xbf1678ba]);
  });

  it('give noise that tells images apart', () => {
    const noise = noiseByIndex('uniform', 1, all, 5);
    const firsts = new Set(all.map((_, k) => noise[5 * k]));
    assert.equal(firsts.size, all.length);
  });
});
