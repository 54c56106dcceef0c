import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  deriveSeed,
  noiseByIndex,
  normalAt,
  normals,
  permutation,
  uniformAt,
  uniformStream,
  uniforms,
} from '../../src/numerics/random';

/**
 * Mulberry32 as its author wrote it: a generator with a state, in 64-bit integers so that no
 * rounding is shared with the program.
 */
function* mulberry32(seed: number): Generator<number> {
  const mask = 0xffffffffn;
  const multiply = (a: bigint, b: bigint) => (a * b) & mask;
  for (let state = BigInt(seed >>> 0); ; ) {
    state = (state + 0x6d2b79f5n) & mask;
    let z = multiply(state ^ (state >> 15n), state | 1n);
    z ^= (z + multiply(z ^ (z >> 7n), z | 61n)) & mask;
    yield Number(z ^ (z >> 14n)) / 2 ** 32;
  }
}

const mean = (x: ArrayLike<number>) =>
  Array.from(x).reduce((sum, value) => sum + value, 0) / x.length;

/** The mean of the k-th powers. */
const moment = (x: ArrayLike<number>, k: number) => mean(Array.from(x, (value) => value ** k));

describe('seeded randomness', () => {
  it('gives the first numbers of mulberry32 that other implementations test for', () => {
    const bits = (seed: number, n: number) =>
      Array.from({ length: n }, (_, i) => uniformAt(seed, i) * 2 ** 32);
    assert.deepEqual(bits(0, 4), [1144304738, 1416247, 958946056, 627933444]);
    assert.deepEqual(bits(1985, 2), [3527837133, 3112574143]);
  });

  it('agrees with mulberry32 written with a state, for any seed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (seed) => {
        const reference = mulberry32(seed);
        for (let i = 0; i < 20; i++) assert.equal(uniformAt(seed, i), reference.next().value);
      }),
    );
  });

  it('gives the same stream number by number, as an array, from the middle, and as a function', () => {
    const all = uniforms(7, 100);
    const next = uniformStream(7);
    for (let i = 0; i < 100; i++) {
      assert.equal(all[i], Math.fround(uniformAt(7, i)));
      assert.equal(next(), uniformAt(7, i));
    }
    assert.deepEqual(uniforms(7, 40, 60), all.slice(60));
  });

  it('has the moments of the uniform distribution', () => {
    const n = 100_000;
    const u = uniforms(3, n);
    // k-th moment 1 / (k + 1), with five standard errors, sqrt((1 / (2k + 1) - 1 / (k + 1)²) / n)
    // each.
    for (const k of [1, 2, 3, 4]) {
      const error = Math.sqrt((1 / (2 * k + 1) - 1 / (k + 1) ** 2) / n);
      assert.ok(Math.abs(moment(u, k) - 1 / (k + 1)) < 5 * error, `moment ${k}`);
    }
  });

  it('has the moments of the standard normal distribution', () => {
    const n = 100_000;
    const z = normals(3, n);
    // E z, z², z³, z⁴ = 0, 1, 0, 3 with variances 1, 2, 15, 96.
    for (const [k, value, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ] as const) {
      assert.ok(Math.abs(moment(z, k) - value) < 5 * Math.sqrt(variance / n), `moment ${k}`);
    }
  });

  it('keeps neighbouring images apart: their noise is not correlated', () => {
    const n = 20_000;
    const noise = noiseByIndex('normal', 0, [0, 1], n);
    const products = Array.from(
      { length: n },
      (_, i) => (noise[i] as number) * (noise[n + i] as number),
    );
    assert.ok(Math.abs(mean(products)) < 5 / Math.sqrt(n));
  });

  it('gives an image the same noise whichever batch it is in', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(100_000), { minLength: 1, maxLength: 8 }),
        fc.constantFrom('uniform', 'normal'),
        (indices, kind) => {
          const size = 6;
          const together = noiseByIndex(kind, 42, indices, size);
          indices.forEach((index, k) => {
            assert.deepEqual(
              together.slice(k * size, (k + 1) * size),
              noiseByIndex(kind, 42, [index], size),
            );
          });
        },
      ),
    );
  });

  it('gives other noise for another seed and for another image', () => {
    assert.notDeepEqual(noiseByIndex('normal', 1, [5], 4), noiseByIndex('normal', 2, [5], 4));
    assert.notDeepEqual(noiseByIndex('normal', 1, [5], 4), noiseByIndex('normal', 1, [6], 4));
  });

  it('gives only finite normal numbers', () => {
    assert.ok(normals(9, 50_000).every(Number.isFinite));
    assert.ok(Number.isFinite(normalAt(0, 0)));
  });

  it('derives seeds that hardly collide and depend on the order of the keys', () => {
    const seeds = new Set(Array.from({ length: 50_000 }, (_, i) => deriveSeed(0, i)));
    // 50,000 draws of 2³² collide 0.3 times on average.
    assert.ok(seeds.size >= 49_995, `${seeds.size}`);
    assert.notEqual(deriveSeed(1, 2, 3), deriveSeed(1, 3, 2));
    assert.notEqual(deriveSeed(1), deriveSeed(2));
    assert.ok([...seeds].every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32));
  });

  it('permutes: each number once, the same for the same seed', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(), (n, seed) => {
        const order = permutation(n, seed);
        assert.deepEqual(
          Array.from(order).sort((a, b) => a - b),
          Array.from({ length: n }, (_, i) => i),
        );
        assert.deepEqual(permutation(n, seed), order);
      }),
    );
  });

  it('refuses a seed that it would have to truncate, in every function that takes one', () => {
    for (const seed of [-1, 0.5, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY])
      for (const draw of [
        () => deriveSeed(seed, 1),
        () => uniforms(seed, 1),
        () => normals(seed, 1),
        () => uniformStream(seed),
        () => permutation(3, seed),
        () => noiseByIndex('uniform', seed, [0], 1),
      ])
        assert.throws(draw, {
          name: 'FisherlabError',
          message: `the seed is ${seed}; give a whole number from 0 to 4294967295`,
        });
    assert.equal(deriveSeed(2 ** 32 - 1, 1), deriveSeed(2 ** 32 - 1, 1));
  });

  it('draws every order of three equally often', () => {
    const counts = new Map<string, number>();
    const draws = 6000;
    for (let seed = 0; seed < draws; seed++) {
      const order = permutation(3, deriveSeed(seed)).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    assert.equal(counts.size, 6);
    // 1000 of each, with a standard deviation of sqrt(6000 · 1/6 · 5/6) = 29.
    for (const [order, count] of counts)
      assert.ok(Math.abs(count - draws / 6) < 5 * 29, `${order}: ${count}`);
  });
});
