/**
 * # Seeded randomness
 *
 * There is no hidden randomness in this program: code that needs random numbers is given a seed.
 * The generator is *mulberry32* (T. Ettinger), a counter `z_i = seed + (i+1)·0x6D2B79F5 mod 2³²`
 * put through a mixing function, so that the i-th number of a stream is a pure function of
 * `(seed, i)` and the reference values (made with the same stream) can be rebuilt anywhere.
 *
 * A seed is a whole number from 0 to 2³² − 1: all that the generator tells apart. Another one would
 * be cut down to such a one silently, so it is refused where randomness begins, for all callers.
 *
 * Normal numbers are Box–Muller's: `sqrt(-2 ln(1 - u_{2i})) cos(2π u_{2i+1})`.
 */
import { assertWhole } from '../errors';

/** @throws {FisherlabError} if `seed` is no whole number from 0 to 2³² − 1 */
export function assertSeed(seed: number): void {
  assertWhole('the seed', seed, { least: 0, most: 2 ** 32 - 1 });
}

/** The (i+1)-th output of mulberry32 started at `seed`, in [0, 1). */
export function uniformAt(seed: number, i: number): number {
  const state = (seed + Math.imul(i + 1, 0x6d2b79f5)) | 0;
  let z = Math.imul(state ^ (state >>> 15), state | 1);
  z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
  return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
}

/** The i-th standard normal number of the stream `seed`. */
export function normalAt(seed: number, i: number): number {
  return (
    Math.sqrt(-2 * Math.log(1 - uniformAt(seed, 2 * i))) *
    Math.cos(2 * Math.PI * uniformAt(seed, 2 * i + 1))
  );
}

/**
 * A seed for a stream of its own, a well-mixed function of a seed and any number of keys (image
 * index, epoch, tensor, …).
 * @throws {FisherlabError} as `assertSeed`
 */
export function deriveSeed(seed: number, ...keys: number[]): number {
  assertSeed(seed);
  let h = seed | 0;
  for (const key of keys) {
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) ^ Math.imul(key + 0x7f4a7c15, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 13), 0x27d4eb2f);
    h ^= h >>> 15;
  }
  return h >>> 0;
}

/**
 * A stream as a function: each call gives the next number in [0, 1). Pass it where a library wants
 * its own `Math.random`.
 * @throws {FisherlabError} as `assertSeed`
 */
export function uniformStream(seed: number): () => number {
  assertSeed(seed);
  let i = 0;
  return () => uniformAt(seed, i++);
}

/**
 * `n` uniform numbers in [0, 1) of the stream `seed`, from its `start`-th on.
 * @throws {FisherlabError} as `assertSeed`
 */
export function uniforms(seed: number, n: number, start = 0): Float32Array {
  assertSeed(seed);
  return Float32Array.from({ length: n }, (_, i) => uniformAt(seed, start + i));
}

/**
 * `n` standard normal numbers of the stream `seed`.
 * @throws {FisherlabError} as `assertSeed`
 */
export function normals(seed: number, n: number): Float32Array {
  assertSeed(seed);
  return Float32Array.from({ length: n }, (_, i) => normalAt(seed, i));
}

/**
 * Noise for images that are known by their index: image `indices[k]` gets the `size` numbers of its
 * own stream, so that neither the batch it is in nor the subset it was drawn from changes its
 * noise. Flat, [indices.length × size].
 */
export function noiseByIndex(
  kind: 'uniform' | 'normal',
  seed: number,
  indices: readonly number[],
  size: number,
): Float32Array {
  const draw = kind === 'uniform' ? uniformAt : normalAt;
  const out = new Float32Array(indices.length * size);
  indices.forEach((index, k) => {
    const own = deriveSeed(seed, index);
    for (let i = 0; i < size; i++) out[k * size + i] = draw(own, i);
  });
  return out;
}

/**
 * The numbers 0 … n−1 in an order that depends on the seed alone (Fisher–Yates).
 * @throws {FisherlabError} as `assertSeed`
 */
export function permutation(n: number, seed: number): Uint32Array {
  assertSeed(seed);
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(uniformAt(seed, i) * (i + 1));
    const held = order[i] as number;
    order[i] = order[j] as number;
    order[j] = held;
  }
  return order;
}
