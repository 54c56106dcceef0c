import assert from 'node:assert/strict';
import { FisherlabError } from '../../src/errors';
import {
  compose,
  deltaBitsPerDim,
  dequantise,
  enter,
  hsv,
  hsvDelta,
} from '../../src/invariance/index';
import { uniformAt } from '../../src/numerics/random';

const grey = (value: number, side: number) => ({
  images: new Uint8Array(side * side * 3).fill(value),
  shape: [side, side, 3] as const,
});
const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const meanLog2Chroma = (image: Float64Array) =>
  mean(
    Array.from({ length: image.length / 3 }, (_, p) => {
      const pixel = image.subarray(3 * p, 3 * p + 3);
      return Math.log2(Math.max(...pixel) - Math.min(...pixel));
    }),
  );

describe('bits per dimension from RGB to HSV', () => {
  it('the log-determinant of the map gives the formula −(1/D) Σ log₂(6·M·C)', () => {
    const images = {
      images: Uint8Array.from({ length: 3 * 48 }, (_, i) => Math.floor(256 * uniformAt(1, i))),
      shape: [4, 4, 3] as const,
    };
    for (const noise of ['uniform', 'gaussian'] as const) {
      const points = dequantise(images, { noise, seed: 2 });
      const deltas = deltaBitsPerDim(hsv, points, images.shape);
      points.forEach((point, n) => {
        assert.ok(Math.abs((deltas[n] as number) - hsvDelta(point)) < 1e-12);
      });
    }
  });

  it('one pixel of M = 1, C = 1 has Δ = −log₂(6)/3, one of M = ½, C = 0.1 has 0.58', () => {
    assert.ok(Math.abs(hsvDelta([1, 0.3, 0]) + Math.log2(6) / 3) < 1e-12);
    assert.ok(Math.abs(hsvDelta([0.5, 0.45, 0.4]) - 0.579) < 1e-4);
  });

  // 160,000 pixels: the standard error of a mean of log₂ C (deviation about 0.8) is 0.002.
  it('grey pixels have E log₂ C = −8 − 5/(6 ln 2) under uniform and −7.480 under Gaussian noise', () => {
    const [uniform] = dequantise(grey(100, 400), { noise: 'uniform', seed: 3 });
    const [gaussian] = dequantise(grey(100, 400), { noise: 'gaussian', seed: 3 });
    assert.ok(Math.abs(meanLog2Chroma(uniform as Float64Array) - (-8 - 5 / (6 * Math.LN2))) < 0.01);
    assert.ok(Math.abs(meanLog2Chroma(gaussian as Float64Array) + 7.48) < 0.01);
  });

  it('black pixels have E log₂ M = −8 − 1/(3 ln 2) under uniform noise', () => {
    const [black] = dequantise(grey(0, 400), { noise: 'uniform', seed: 4 });
    const logs = Array.from({ length: 160000 }, (_, p) =>
      Math.log2(Math.max(...(black as Float64Array).subarray(3 * p, 3 * p + 3))),
    );
    assert.ok(Math.abs(mean(logs) - (-8 - 1 / (3 * Math.LN2))) < 0.01);
  });

  it('an image keeps its noise in any subset, and uniform noise stays inside its 8-bit cell', () => {
    const images = Uint8Array.from({ length: 4 * 12 }, (_, i) => (37 * i) % 256);
    const shape = [2, 2, 3] as const;
    const all = dequantise({ images, shape }, { noise: 'uniform', seed: 5 });
    const two = dequantise(
      { images: images.slice(24), shape, indices: [2, 3] },
      { noise: 'uniform', seed: 5 },
    );
    assert.deepEqual(two, all.slice(2));
    all
      .flatMap((image) => [...image])
      .forEach((x, i) => {
        assert.equal(Math.floor(256 * x), images[i]);
      });
  });

  it('grey images without noise are refused, naming the image, and enter once dequantised', () => {
    const images = { images: Uint8Array.from([10, 20, 30, 50, 50, 50]), shape: [1, 1, 3] as const };
    assert.throws(
      () => enter(hsv, images, { noise: 'none' }),
      (error: Error) =>
        error instanceof FisherlabError &&
        /image 1 lies outside the domain of RGB→HSV/.test(error.message),
    );
    assert.equal(enter(hsv, images, { noise: 'uniform', seed: 6 }).length, 2);
    assert.equal(enter(compose(), images, { noise: 'none' }).length, 2);
    assert.throws(
      () => dequantise({ images: [1, 2], shape: [1, 1, 3] }, { noise: 'none' }),
      FisherlabError,
    );
  });
});
