import assert from 'node:assert/strict';
import type { Tensor } from '@tensorflow/tfjs';
import { startBackend, tf } from '../../src/backend/start';
import {
  checkFeature,
  cosineWithMean,
  inputGradientNorms,
  maximum,
  oneNorm,
  randomProjections,
} from '../../src/gradients/built-in-features';
import { gradientsOf } from '../../src/gradients/collectors';
import {
  batchFeatures,
  defineFeature,
  type Feature,
  squaredNorm,
} from '../../src/gradients/features';
import { disposeModel } from '../../src/models/checkpoint';
import { Glow } from '../../src/models/glow/glow';
import { uniforms } from '../../src/numerics/random';
import { shake } from '../models/finite-differences';

const N = 8;
let model: Glow;
let images: Tensor;
let noise: Tensor;
/** Gradients of every layer, image by image, as the plain collector gives them. */
let gradients: Map<string, Float64Array[]>;

function values(feature: Feature, B: number): Map<string, Float32Array> {
  const { byBatchSize } = batchFeatures(model, images, noise, [feature], [B]);
  return new Map(byBatchSize[0]?.map(({ layer, values: own }) => [layer.name, own]));
}

/** The gradient of each batch of B images: sums of rows. */
function ofBatches(rows: readonly Float64Array[], B: number): Float64Array[] {
  return Array.from({ length: rows.length / B }, (_, g) =>
    rows.slice(g * B, (g + 1) * B).reduce((sum, row) => sum.map((x, i) => x + (row[i] as number))),
  );
}

function assertAll(feature: Feature, expected: (g: Float64Array, layer: string) => number): void {
  for (const B of [1, 2, 4]) {
    const found = values(feature, B);
    assert.equal(found.size, gradients.size);
    for (const [layer, rows] of gradients) {
      const wanted = ofBatches(rows, B).map((g) => expected(g, layer));
      const largest = Math.max(...wanted.map(Math.abs));
      wanted.forEach((value, n) => {
        const given = found.get(layer)?.[n] as number;
        assert.ok(
          Math.abs(given - value) <= 1e-3 * Math.abs(value) + 1e-4 * largest,
          `${feature.name} of ${layer}, B = ${B}, batch ${n}: ${given} instead of ${value}`,
        );
      });
    }
  }
}

describe('built-in features', () => {
  before(async () => {
    await startBackend();
    model = new Glow({ family: 'glow', imageShape: [4, 4, 1], K: 2, L: 1, hidden: 5, seed: 1 });
    shake(model.layers, 4, 0.1);
    images = tf.tensor4d(
      uniforms(3, N * 16).map((u) => Math.floor(256 * u)),
      [N, 4, 4, 1],
    );
    noise = model.noise(
      Array.from({ length: N }, (_, i) => i),
      5,
    );
    const all = gradientsOf(
      new Map(
        model.layers.map((layer) => [
          layer.name,
          Array.from({ length: layer.variable.size }, (_, i) => i),
        ]),
      ),
    );
    model.gradients(images, noise, all).dispose();
    gradients = new Map(
      [...all.read('gradients')].map(([name, flat]) => [
        name,
        Array.from({ length: N }, (_, n) =>
          Float64Array.from(flat.slice((n * flat.length) / N, ((n + 1) * flat.length) / N)),
        ),
      ]),
    );
  });
  after(() => {
    disposeModel(model);
    tf.dispose([images, noise]);
  });

  it('are the 1-norm and the largest entry of the gradient of the joint log-likelihood', () => {
    assertAll(oneNorm, (g) => g.reduce((sum, x) => sum + Math.abs(x), 0));
    assertAll(maximum, (g) => g.reduce((most, x) => Math.max(most, Math.abs(x)), 0));
  });

  it('know the cosine with the mean gradient of the reference', async () => {
    const part = (from: number, to: number) => ({
      images: tf.slice(images, from, to - from),
      noise: tf.slice(noise, from, to - from),
    });
    const before = tf.memory().numTensors;
    const cosine = await cosineWithMean(model, {
      count: 5,
      blocks: () => [part(0, 3), part(3, 5)],
    });
    assert.equal(tf.memory().numTensors, before, 'fitting leaves no tensors');
    assertAll(cosine, (g, layer) => {
      const sum = ofBatches(
        (gradients.get(layer) as Float64Array[]).slice(0, 5),
        5,
      )[0] as Float64Array;
      const dot = g.reduce((total, x, i) => total + x * (sum[i] as number), 0);
      const norm = Math.hypot(...g) * Math.hypot(...sum);
      return norm === 0 ? 0 : dot / norm;
    });
  });

  it('refuse a cosine fitted on another model', async () => {
    const other = new Glow({
      family: 'glow',
      imageShape: [4, 4, 1],
      K: 1,
      L: 1,
      hidden: 5,
      seed: 1,
    });
    const cosine = await cosineWithMean(other, { count: 0, blocks: () => [] });
    disposeModel(other);
    assert.throws(() => values(cosine, 1), /'cosine-with-mean' was not fitted on layer '/);
  });

  it('project on random directions: linear in the gradient, of mean square ‖g‖²', () => {
    const few = randomProjections(3, 7);
    const [ones, twos] = [values(few, 1), values(few, 2)];
    for (const [layer, one] of ones) {
      const largest = one.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      twos.get(layer)?.forEach((value, at) => {
        const [g, k] = [Math.floor(at / 3), at % 3];
        const sum = (one[6 * g + k] as number) + (one[6 * g + 3 + k] as number);
        assert.ok(Math.abs(value - sum) <= 1e-3 * largest, `${layer}: ${value} instead of ${sum}`);
      });
    }
    const K = 3000;
    const [many, norms] = [values(randomProjections(K, 8), 1), values(squaredNorm, 1)];
    for (const [layer, projected] of many) {
      for (let n = 0; n < N; n++) {
        const mean = projected.slice(n * K, (n + 1) * K).reduce((sum, x) => sum + x * x, 0) / K;
        const norm = norms.get(layer)?.[n] as number;
        // The square of a product of two sign sums has a standard deviation of √8 times its mean at
        // most.
        assert.ok(
          Math.abs(mean - norm) <= 5 * Math.sqrt(8 / K) * norm,
          `${layer}: ${mean} instead of ${norm}`,
        );
      }
    }
    assert.notDeepEqual(values(randomProjections(3, 9), 1), ones, 'another seed, other directions');
  });

  it('project the gradients of one model after another, whose layers have the same names but other sizes', () => {
    const feature = randomProjections(3, 7);
    const first = values(feature, 1);
    const wider = new Glow({ ...model.config, hidden: 7 });
    try {
      const { byBatchSize } = batchFeatures(wider, images, noise, [feature], [1]);
      assert.equal(byBatchSize[0]?.length, first.size);
      assert.deepEqual(values(feature, 1), first);
    } finally {
      disposeModel(wider);
    }
  });

  it('know the norm of the gradient with respect to the image', () => {
    const h = 0.25;
    const at = (pixel: number, shift: number): Float64Array => {
      const values = tf.tidy(() => {
        const moved = tf.buffer([1, 4, 4, 1]);
        moved.set(shift, 0, Math.floor(pixel / 4), pixel % 4, 0);
        return model.logLikelihood(tf.add(images, moved.toTensor()), noise);
      });
      const read = Float64Array.from(values.dataSync());
      values.dispose();
      return read;
    };
    const squares = new Float64Array(N);
    for (let pixel = 0; pixel < 16; pixel++) {
      const [above, below] = [at(pixel, h), at(pixel, -h)];
      squares.forEach((sum, n) => {
        squares[n] = sum + (((above[n] as number) - (below[n] as number)) / (2 * h)) ** 2;
      });
    }
    inputGradientNorms(model, images, noise).forEach((value, n) => {
      assert.ok(
        Math.abs(value - (squares[n] as number)) < 0.02 * value,
        `image ${n}: ${value} instead of ${squares[n]}`,
      );
    });
  });
});

describe('checking a feature', () => {
  const check = (feature: Feature, B = 1) => checkFeature(model, feature, images, noise, B, 3);
  before(() => {
    model = new Glow({ family: 'glow', imageShape: [4, 4, 1], K: 2, L: 1, hidden: 5, seed: 1 });
    shake(model.layers, 4, 0.1);
    images = tf.tensor4d(
      uniforms(3, N * 16).map((u) => Math.floor(256 * u)),
      [N, 4, 4, 1],
    );
    noise = model.noise(
      Array.from({ length: N }, (_, i) => i),
      5,
    );
  });
  after(() => {
    disposeModel(model);
    tf.dispose([images, noise]);
  });

  it('accepts the built-in ones, including those of k numbers per layer', () => {
    const before = tf.memory().numTensors;
    for (const feature of [squaredNorm, oneNorm, maximum, randomProjections(3, 1)])
      for (const B of [1, 2]) check(feature, B);
    assert.equal(tf.memory().numTensors, before);
  });

  const gradient = (x: Tensor, dy: Tensor) => tf.matMul(x as never, dy as never, true);
  const norm = (x: Tensor, dy: Tensor) => tf.sum(tf.square(gradient(x, dy)), [1, 2]);

  it('finds a feature that subtracts the mean of the pass, though a shuffle alone would not show it', () => {
    const relative = defineFeature({
      name: 'relative',
      ofLayer: (x, dy) => tf.sub(norm(x, dy), tf.mean(norm(x, dy))),
    });
    assert.throws(
      () => check(relative),
      /feature 'relative' of layer '[^']+' depends on the other images of the pass/,
    );
  });

  it('finds a feature that looks at its neighbour in the pass, in one of k numbers', () => {
    const neighbour = defineFeature({
      name: 'neighbour',
      ofLayer: (x, dy) => tf.stack([norm(x, dy), tf.cumsum(norm(x, dy))], 1),
    });
    assert.throws(
      () => check(neighbour, 2),
      /feature 'neighbour' of layer '[^']+' depends on the other images/,
    );
  });

  it('names feature and layer if the shape is wrong or a number is not finite', () => {
    assert.throws(
      () => check(defineFeature({ name: 'total', ofLayer: (x, dy) => tf.sum(norm(x, dy)) })),
      /feature 'total' gives shape \[\] for layer '[^']+'/,
    );
    assert.throws(
      () =>
        check(
          defineFeature({
            name: 'root',
            ofLayer: (x, dy) => tf.sqrt(tf.neg(tf.add(norm(x, dy), 1))),
          }),
        ),
      /root of tensor '[^']+' .* is NaN at image 0/,
    );
  });

  it('asks for two whole batches', () => {
    assert.throws(() => check(squaredNorm, 3), /8 images are not two whole batches of 3/);
    assert.throws(() => check(squaredNorm, 8), /give 16 or 32 images/);
  });
});
