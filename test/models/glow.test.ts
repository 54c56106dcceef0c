import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import { pixels } from '../../src/data/batches';
import { dataset } from '../../src/data/dataset';
import { squeeze, unsqueeze } from '../../src/gradients/operations/squeeze';
import { logAbsDet } from '../../src/invariance/jacobian';
import { disposeModel, loadModel, modelTensors } from '../../src/models/checkpoint';
import { Glow } from '../../src/models/glow/glow';
import type { GlowConfig } from '../../src/models/glow/glow-family';
import type { ImageShape } from '../../src/models/model';
import { normals, uniforms } from '../../src/numerics/random';
import { assertClose } from '../support/close';
import { shake } from './finite-differences';
import { type PlainGlow, plainGlow, plainJacobian } from './glow-float64';

const config = (imageShape: ImageShape, K: number, L: number, hidden: number): GlowConfig => ({
  family: 'glow',
  imageShape,
  K,
  L,
  hidden,
  seed: 1,
});

const plain = (model: Glow): PlainGlow => ({
  weights: new Map(modelTensors(model).map((tensor) => [tensor.name, tensor])),
  K: model.config.K,
  L: model.config.L,
});

/** The lower triangular factor of a symmetric positive matrix. */
function cholesky(matrix: number[][]): number[][] {
  const L = matrix.map((row) => row.map(() => 0));
  const at = (i: number, j: number) => L[i]?.[j] as number;
  matrix.forEach((row, i) => {
    for (let j = 0; j <= i; j++) {
      let rest = row[j] as number;
      for (let k = 0; k < j; k++) rest -= at(i, k) * at(j, k);
      (L[i] as number[])[j] = i === j ? Math.sqrt(rest) : rest / at(j, j);
    }
  });
  return L;
}

/** Random images 0 … 255 and their noise. */
function batch(model: Glow, n: number, seed = 1): { images: tf.Tensor4D; noise: tf.Tensor } {
  const [h, w, c] = model.imageShape;
  const images = tf.tensor4d(
    uniforms(seed, n * h * w * c).map((u) => Math.floor(256 * u)),
    [n, h, w, c],
  );
  return {
    images,
    noise: model.noise(
      Array.from({ length: n }, (_, k) => k),
      seed,
    ),
  };
}

/** Image k of a batch in the model's unit, (x + noise)/256 − ½, in float64. */
function unitImage(images: tf.Tensor, noise: tf.Tensor, k: number): Float64Array {
  const size = images.size / (images.shape[0] as number);
  const u = noise.dataSync();
  return Float64Array.from(
    images.dataSync().slice(k * size, (k + 1) * size),
    (x, e) => (x + (u[k * size + e] as number)) / 256 - 0.5,
  );
}

describe('Glow', () => {
  before(() => startBackend());

  it('equals, on a tiny image, plain float64 loops over the architecture, with log-determinants of the full Jacobian', () => {
    for (const [shape, K, L] of [
      [[4, 4, 1], 2, 2],
      [[2, 2, 3], 2, 1],
      [[2, 4, 1], 3, 1],
    ] as const) {
      const model = new Glow(config(shape, K, L, 3));
      shake(model.layers, 5, 0.2);
      const { images, noise } = batch(model, 2);
      const { logDet, prior } = model.parts(images, noise);
      const latents = tf.tidy(() =>
        tf
          .concat(
            model.latents(images, noise).map((z) => tf.reshape(z, [2, -1])),
            1,
          )
          .arraySync(),
      ) as number[][];
      const d = shape[0] * shape[1] * shape[2];
      for (const k of [0, 1]) {
        const y = unitImage(images, noise, k);
        const expected = plainGlow(plain(model), y, shape);
        const determinant = logAbsDet(plainJacobian(plain(model), y, shape));
        assertClose(
          [
            { name: 'latents', actual: latents[k] as number[], expected: expected.latents },
            { name: 'prior', actual: [prior.dataSync()[k] as number], expected: [expected.prior] },
            {
              name: 'log-determinant',
              actual: [logDet.dataSync()[k] as number],
              expected: [determinant - d * Math.log(256)],
            },
          ],
          { relative: 2e-5, ofLargest: 1e-5 },
        );
      }
      tf.dispose([images, noise, logDet, prior]);
      disposeModel(model);
    }
  });

  it('inverts itself to 1e-4 of the unit cube, at every level of a deeper flow', () => {
    const model = new Glow(config([16, 16, 3], 4, 3, 8));
    const { images, noise } = batch(model, 3);
    model.initialise(images, 9);
    shake(model.layers, 5, 0.02);
    tf.tidy(() => {
      const back = model.inverse(model.latents(images, noise));
      const error = tf.max(tf.abs(tf.sub(back, tf.add(images, noise)))).dataSync()[0] as number;
      assert.ok(error / 256 <= 1e-4, `off by ${error / 256}`);
      const latents = model.latents(images, noise);
      const again = model.latents(back, tf.zerosLike(back));
      assertClose(
        latents.map((z, k) => ({
          name: `level ${k}`,
          actual: again[k]?.dataSync() ?? [],
          expected: z.dataSync(),
        })),
        {
          absolute: 2e-3,
        },
      );
    });
    tf.dispose([images, noise]);
    disposeModel(model);
  });

  it('does so with the shipped weights on real images', async () => {
    const { model } = loadModel('glow-fashion_mnist');
    const data = await dataset('fashion_mnist', 'test', { limit: 2 });
    tf.tidy(() => {
      const [images, noise] = [pixels(data, [0, 1]), model.noise([0, 1], 1)];
      const back = (model as Glow).inverse((model as Glow).latents(images, noise));
      const error = tf.max(tf.abs(tf.sub(back, tf.add(images, noise)))).dataSync()[0] as number;
      assert.ok(error / 256 <= 1e-4, `off by ${error / 256}`);
    });
    disposeModel(model);
  });

  describe('of 2x2 grey pixels', () => {
    let model: Glow;
    /**
     * Points of the model by its inverse, [n][4], in its unit; their mean and the factor of their
     * covariance.
     */
    let mean: number[];
    let factor: number[][];
    before(() => {
      model = new Glow(config([2, 2, 1], 2, 1, 4));
      shake(model.layers, 8, 0.15);
      // Deviations of about 0.12, so that next to nothing is clipped at black and white.
      const outer = model.layers.find(({ name }) => name === 'flow.layers.1.actnorm.logs');
      tf.tidy(() => outer?.variable.assign(tf.add(outer.variable, 2.2)));
      const points = toUnit(model.sample(4000, 11));
      mean = [0, 1, 2, 3].map(
        (i) => points.reduce((sum, x) => sum + (x[i] as number), 0) / points.length,
      );
      const covariance = [0, 1, 2, 3].map((i) =>
        [0, 1, 2, 3].map(
          (j) => points.reduce((sum, x) => sum + off(x, i) * off(x, j), 0) / points.length,
        ),
      );
      factor = cholesky(covariance);
    });
    after(() => disposeModel(model));
    const off = (x: readonly number[], i: number) => (x[i] as number) - (mean[i] as number);

    /** Whole pixel values to the middle of their cells, in the model's unit. */
    function toUnit(images: tf.Tensor): number[][] {
      const values = images.dataSync();
      images.dispose();
      return Array.from({ length: values.length / 4 }, (_, n) =>
        [0, 1, 2, 3].map((i) => ((values[4 * n + i] as number) + 0.5) / 256 - 0.5),
      );
    }

    /** log-density in the model's unit at points [n][4]. */
    function logDensity(points: readonly (readonly number[])[]): Float32Array {
      return tf.tidy(() => {
        const images = tf.tensor4d(
          Float32Array.from(points.flat(), (y) => 256 * (y + 0.5)),
          [points.length, 2, 2, 1],
        );
        return tf
          .add(model.logLikelihood(images, tf.zerosLike(images)), 4 * Math.log(256))
          .dataSync() as Float32Array;
      });
    }

    /**
     * Squared Mahalanobis distance to the mean, where the covariance is `scale`² times that of the
     * samples; and the log-determinant of its factor.
     */
    function distance(x: readonly number[], scale: number): { squared: number; logDet: number } {
      const u: number[] = [];
      for (let i = 0; i < 4; i++) {
        const known = u.reduce((sum, value, j) => sum + value * (factor[i]?.[j] as number), 0);
        u.push((off(x, i) - known) / (factor[i]?.[i] as number));
      }
      const logDet = factor.reduce((sum, row, i) => sum + Math.log(scale * (row[i] as number)), 0);
      return { squared: u.reduce((sum, value) => sum + value * value, 0) / scale ** 2, logDet };
    }

    const estimate = (weights: readonly number[]) => {
      const value = weights.reduce((a, b) => a + b, 0) / weights.length;
      const variance = weights.reduce((sum, x) => sum + (x - value) ** 2, 0) / weights.length;
      return { value, error: Math.sqrt(variance / weights.length) };
    };

    it('is a density: it integrates to one', () => {
      // Importance sampling from a Student t with 4 degrees of freedom: its tails are heavier than
      // the model's.
      const n = 20_000;
      const [g, chi] = [normals(21, 4 * n), normals(22, 4 * n)];
      const points = Array.from({ length: n }, (_, k) => {
        const squares = [0, 1, 2, 3].reduce((sum, i) => sum + (chi[4 * k + i] as number) ** 2, 0);
        const stretch = 1.2 / Math.sqrt(squares / 4);
        return [0, 1, 2, 3].map((i) => {
          const along = (factor[i] as number[])
            .slice(0, i + 1)
            .reduce((sum, f, j) => sum + f * (g[4 * k + j] as number), 0);
          return (mean[i] as number) + stretch * along;
        });
      });
      const density = logDensity(points);
      // Γ(4) / (Γ(2) (4π)²) (1 + δ²/4)^−4 / det
      const weights = points.map((x, k) => {
        const { squared, logDet } = distance(x, 1.2);
        return Math.exp(
          (density[k] as number) -
            (Math.log(6 / (4 * Math.PI) ** 2) - 4 * Math.log1p(squared / 4) - logDet),
        );
      });
      const { value, error } = estimate(weights);
      assert.ok(error < 0.02, `standard error ${error}`);
      assert.ok(Math.abs(value - 1) < 4 * error, `integral ${value} ± ${error}`);
    });

    it('samples from that density: the mean of q/p over its samples is one', () => {
      // q is a normal density narrower than the model, so that q/p is bounded.
      const points = toUnit(model.sample(20_000, 31));
      const density = logDensity(points);
      const weights = points.map((x, k) => {
        const { squared, logDet } = distance(x, 0.75);
        return Math.exp(
          -0.5 * squared - logDet - 2 * Math.log(2 * Math.PI) - (density[k] as number),
        );
      });
      const { value, error } = estimate(weights);
      assert.ok(error < 0.02, `standard error ${error}`);
      assert.ok(Math.abs(value - 1) < 4 * error + 0.005, `${value} ± ${error}`);
    });
  });

  it('samples whole pixel values, the same for the same seed, and one image at temperature 0', () => {
    const model = new Glow(config([8, 8, 3], 1, 2, 4));
    const draw = (seed: number, temperature?: number) => {
      const images = model.sample(2, seed, temperature);
      assert.deepEqual(images.shape, [2, 8, 8, 3]);
      const values = Array.from(images.dataSync());
      images.dispose();
      return values;
    };
    assert.ok(draw(1).every((x) => Number.isInteger(x) && x >= 0 && x <= 255));
    assert.deepEqual(draw(1), draw(1));
    assert.notDeepEqual(draw(1), draw(2));
    const cold = draw(1, 0);
    assert.deepEqual(cold.slice(0, 192), cold.slice(192));
    disposeModel(model);
  });

  it('starts with actnorms whose outputs have mean 0 and deviation 1', () => {
    const shape = [8, 8, 1] as const;
    const model = new Glow(config(shape, 2, 2, 4));
    const { images, noise } = batch(model, 6, 3);
    model.initialise(images, 3); // the noise of `batch`
    const results = Array.from(
      { length: 6 },
      (_, k) => plainGlow(plain(model), unitImage(images, noise, k), shape).normalised,
    );
    for (const [name, { c }] of results[0] as (typeof results)[number]) {
      for (let channel = 0; channel < c; channel++) {
        const values = results.flatMap((result) =>
          Array.from(result.get(name)?.values ?? []).filter((_, e) => e % c === channel),
        );
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        const deviation = Math.sqrt(
          values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length,
        );
        assert.ok(
          Math.abs(mean) < 1e-4 && Math.abs(deviation - 1) < 1e-4,
          `${name} ${channel}: ${mean}, ${deviation}`,
        );
      }
    }
    assert.equal(results[0]?.size, 3 * 2 * 2);
    tf.dispose([images, noise]);
    disposeModel(model);
  });

  it('sums its parts to the log-likelihood, frees everything and leaves its arguments alone', () => {
    const model = new Glow(config([8, 8, 1], 1, 2, 4));
    shake(model.layers, 5, 0.1);
    const { images, noise } = batch(model, 2);
    const before = [Array.from(images.dataSync()), Array.from(noise.dataSync())];
    const count = tf.memory().numTensors;
    const call = (f: () => tf.Tensor | tf.Tensor[]) => {
      const result = f();
      const values = (Array.isArray(result) ? result : [result]).map((x) =>
        Array.from(x.dataSync()),
      );
      tf.dispose(result);
      assert.equal(tf.memory().numTensors, count, `${f} leaks`);
      return values;
    };
    const [whole] = call(() => model.logLikelihood(images, noise)) as [number[]];
    const [logDet, prior] = call(() => Object.values(model.parts(images, noise))) as [
      number[],
      number[],
    ];
    whole.forEach((value, k) => {
      const sum = (logDet[k] as number) + (prior[k] as number);
      assert.ok(Math.abs(sum / value - 1) < 1e-5, `${sum} and ${value}`);
    });
    const latents = call(() => model.latents(images, noise));
    call(() =>
      tf.tidy(() =>
        model.inverse(latents.map((z, k) => tf.tensor(z, k === 0 ? [2, 4, 4, 2] : [2, 2, 2, 8]))),
      ),
    );
    call(() => model.sample(2, 1));
    call(() => tf.tidy(() => model.imageGradient(images, noise)));
    model.initialise(images, 1);
    assert.equal(tf.memory().numTensors, count);
    assert.deepEqual([Array.from(images.dataSync()), Array.from(noise.dataSync())], before);
    tf.dispose([images, noise]);
    disposeModel(model);
  });

  it('squeezes so that the original channel is the slowest, and back', () => {
    tf.tidy(() => {
      const x = tf.tensor4d([0, 1, 2, 3, 4, 5, 6, 7], [1, 2, 2, 2]); // value = 4y + 2x + c
      assert.deepEqual(Array.from(squeeze(x).dataSync()), [0, 2, 4, 6, 1, 3, 5, 7]);
      const any = tf.tensor4d(uniforms(1, 96), [1, 4, 8, 3]);
      assert.deepEqual(unsqueeze(squeeze(any)).arraySync(), any.arraySync());
    });
  });

  it('begins its 1x1 convolutions as rotations that the seed decides', () => {
    const [a, b, other] = [1, 1, 2].map(
      (seed) => new Glow({ ...config([4, 4, 1], 1, 1, 2), seed }),
    ) as [Glow, Glow, Glow];
    assert.deepEqual(modelTensors(a), modelTensors(b));
    assert.notDeepEqual(modelTensors(a), modelTensors(other));
    const z = plain(a);
    const of = (name: string) => z.weights.get(`flow.layers.1.invconv.${name}`)?.values ?? [];
    // A rotation's determinant is ±1: the diagonal of U multiplies to that.
    assert.ok(Math.abs(Array.from(of('log_s')).reduce((sum, x) => sum + x, 0)) < 1e-5);
    assert.ok(
      Array.from(of('p')).filter((x) => x === 1).length === 4 &&
        Array.from(of('sign_s')).every((s) => Math.abs(s) === 1),
    );
    for (const model of [a, b, other]) disposeModel(model);
  });

  it('says what is wrong with its images, its size and its weights', () => {
    assert.throws(
      () => new Glow(config([28, 28, 1], 1, 3, 4)),
      /3 levels cannot take images of 28x28; .*multiples of 8/,
    );
    const model = new Glow(config([8, 8, 1], 1, 2, 4));
    const count = tf.memory().numTensors;
    const wrong = tf.zeros([1, 8, 8, 3]);
    for (const method of ['logLikelihood', 'parts', 'latents'] as const) {
      assert.throws(
        () => model[method](wrong, wrong),
        /images have shape \[1, 8, 8, 3\]; this glow model takes \[N, 8, 8, 1\]/,
      );
    }
    wrong.dispose();
    const before = modelTensors(model);
    const grey = tf.fill([4, 8, 8, 1], 7);
    // else dequantisation hides that the images are constant
    model.noise = () => tf.zeros([4, 8, 8, 1]);
    assert.throws(
      () => model.initialise(grey, 1),
      /a channel of the input of 'flow\.layers\.1\.actnorm\.bias' is constant on the first batch; initialise from more or other images/,
    );
    grey.dispose();
    const deep = model.layers.find(({ name }) => name === 'flow.layers.1.invconv.log_s');
    const logs = deep?.variable.clone() as tf.Tensor;
    tf.tidy(() => deep?.variable.assign(tf.sub(logs, 200)));
    assert.throws(
      () => tf.dispose(model.sample(1, 1)),
      /a 1x1 convolution is singular; its weights are damaged/,
    );
    deep?.variable.assign(logs);
    logs.dispose();
    assert.deepEqual(modelTensors(model), before);
    assert.equal(tf.memory().numTensors, count, 'nothing is left behind by an error');
    disposeModel(model);
  });
});
