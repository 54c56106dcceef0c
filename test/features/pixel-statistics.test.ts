import assert from 'node:assert/strict';
import { PIXEL_STATISTICS, pixelNumbers } from '../../src/features/pixel-statistics';
import { normals, uniforms } from '../../src/numerics/random';

const SHAPE = [32, 32, 3] as const;

/** An image from a function of row, column and channel. */
const image = (value: (y: number, x: number, c: number) => number, channels = 3) =>
  Uint8Array.from({ length: 32 * 32 * channels }, (_, k) =>
    value(Math.floor(k / channels / 32), Math.floor(k / channels) % 32, k % channels),
  );

const named = (pixels: Uint8Array, shape: readonly [number, number, number] = SHAPE) => {
  const numbers = pixelNumbers(pixels, shape);
  return Object.fromEntries(PIXEL_STATISTICS.map((name, k) => [name, numbers[k] as number]));
};

const close = (actual: number | undefined, expected: number) =>
  assert.ok(Math.abs((actual as number) - expected) < 1e-9, `${actual}, expected ${expected}`);

describe('pixel statistics', () => {
  it('of an even image have a mean, one level, and nothing else', () => {
    const found = named(image(() => 100));
    const { mean, ...rest } = found;
    close(mean, 100);
    for (const [name, value] of Object.entries(rest)) close(value, name === 'mean' ? 100 : 0);
  });

  it('of a chessboard are those worked out by hand', () => {
    // Neighbours differ by 255; the Laplacian is ±8 · 127.5; mixed second differences ±16 · 127.5.
    const found = named(image((y, x) => ((x + y) % 2) * 255));
    close(found.mean, 127.5);
    close(found.deviation, 127.5);
    close(found.levels, Math.log(2));
    close(found.extremes, Math.log1p(32 * 32 * 3));
    close(found.border, Math.log1p(127.5));
    close(found['first-difference'], Math.log1p(255 ** 2));
    close(found.laplacian, Math.log1p((8 * 127.5) ** 2));
    close(found['mixed-difference'], Math.log1p((16 * 127.5) ** 2));
    close(found.colourfulness, 0);
  });

  it('of a ramp have first differences only: it is smooth', () => {
    const found = named(image((_, x) => 4 * x));
    close(found['first-difference'], Math.log1p(16 / 2)); // none along columns, 31·32 pairs each
    close(found.laplacian, 0);
    close(found['mixed-difference'], 0);
  });

  it('find pure red colourful by the definition of Hasler and Süsstrunk', () => {
    const found = named(image((_, __, c) => (c === 0 ? 200 : 0)));
    close(found.colourfulness, Math.log1p(0.3 * Math.hypot(200, 100)));
    assert.equal(
      named(
        image((_, x) => 3 * x, 1),
        [32, 32, 1],
      ).colourfulness,
      0,
    );
  });

  it('of independent noise have differences of 2, 20 and 36 times its variance', () => {
    const noise = normals(3, 32 * 32 * 3);
    const found = named(image((y, x, c) => 128 + 20 * (noise[(y * 32 + x) * 3 + c] as number)));
    const variance = (found.deviation as number) ** 2;
    const ratio = (name: string) => Math.expm1(found[name] as number) / variance;
    // 3,072 draws: about 5 % for the ratio with the widest distribution.
    for (const [name, times] of [
      ['first-difference', 2],
      ['laplacian', 20],
      ['mixed-difference', 36],
    ] as const)
      assert.ok(Math.abs(ratio(name) / times - 1) < 0.15, `${name}: ${ratio(name)}`);
  });

  it('are the same for an image and its mirror image', () => {
    const values = uniforms(7, 32 * 32 * 3);
    const before = image((y, x, c) => 256 * (values[(y * 32 + x) * 3 + c] as number));
    const turned = image((y, x, c) => before[((31 - y) * 32 + x) * 3 + c] as number);
    const [a, b] = [named(before), named(turned)];
    for (const name of PIXEL_STATISTICS) close(b[name], a[name] as number);
  });
});
