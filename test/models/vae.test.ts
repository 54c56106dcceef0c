import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import { Tape } from '../../src/gradients/tape';
import { Vae } from '../../src/models/vae/vae';
import { deriveSeed, normals, uniforms } from '../../src/numerics/random';
import { looking } from '../support/looking';
import { disagreements, shake } from './finite-differences';

const SHAPE = [8, 4, 2] as const;

function tiny(seed = 3): Vae {
  const model = new Vae({ family: 'vae', imageShape: SHAPE, channels: [5, 6], latent: 3, seed });
  shake(model.layers, 100, 0.2);
  return model;
}

function images(n: number, shape: readonly number[] = SHAPE): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(
    uniforms(11, n * size).map((u) => Math.floor(256 * u)),
    [n, ...shape],
  );
}

const numbers = (x: tf.Tensor) => {
  const values = x.dataSync() as Float32Array;
  x.dispose();
  return values;
};

/** The images with the dequantisation noise that `elbo` draws from `seed`. */
function dequantised(x: tf.Tensor, seed: number): tf.Tensor {
  return tf.add(x, tf.tensor(uniforms(deriveSeed(seed, 0), x.size), x.shape));
}

/**
 * log ∫ N(z) N(y; decoder(z), variance) dz − D ln 256 by the trapezoidal rule, in float64 from the
 * decoder's images on.
 */
function integral(model: Vae, x: tf.Tensor, seed: number, variance: number): number[] {
  const [points, width] = [2001, 12];
  const z = Float32Array.from({ length: points }, (_, k) => (k / (points - 1) - 0.5) * width);
  const decoded = model.decode(tf.tensor2d(z, [points, 1])).dataSync();
  const y = dequantised(x, seed).dataSync();
  const d = y.length / (x.shape[0] as number);
  return Array.from({ length: x.shape[0] as number }, (_, image) => {
    const total = z.reduce((sum, at, k) => {
      let error = 0;
      for (let i = 0; i < d; i++)
        error += (((y[image * d + i] as number) - (decoded[k * d + i] as number)) / 256) ** 2;
      return sum + Math.exp(-0.5 * at * at - error / (2 * variance));
    }, 0);
    const constant =
      -0.5 * Math.log(2 * Math.PI) - (d / 2) * Math.log(2 * Math.PI * variance) - d * Math.log(256);
    return Math.log((total * width) / (points - 1)) + constant;
  });
}

describe('the variational autoencoder', () => {
  before(() => startBackend());

  it('has gradients, image by image, that agree with finite differences for every tensor', () => {
    const model = tiny();
    const [x, z] = [images(2), model.noise([0, 1], 5)];
    const lines = disagreements({
      layers: model.layers,
      value: () => numbers(model.logLikelihood(x, z)),
      gradients: (collector) => model.gradients(x, z, collector).dispose(),
    });
    assert.deepEqual(lines, []);
  });

  it('has gradients of the training objective, through the statistics of the batch, that agree with finite differences', () => {
    const model = tiny();
    const x = images(4);
    const noise = model.trainingNoise(4, 5);
    const lines = disagreements({
      layers: model.layers,
      perImage: false,
      // Biases in front of a batch norm have no gradient: compare with the size of the others.
      tolerance: 0.05,
      value: () =>
        numbers(
          tf.tidy(() => model.trainingTrace(new Tape(), new Tape().constant(x), noise).tensor),
        ),
      gradients: (collector) => model.trainingGradients(x, noise, collector).dispose(),
    });
    assert.deepEqual(lines, []);
  });

  it('moves the stored statistics a tenth of the way to those of the batch, only in a training step', () => {
    const model = tiny();
    const x = images(4);
    const noise = model.trainingNoise(4, 5);
    const first = model.buffers.slice(0, 3).map((buffer) => buffer.variable);
    const before = first.map((v) => v.dataSync().slice());
    model.logLikelihood(x, model.noise([0, 1, 2, 3], 1)).dispose();
    numbers(tf.tidy(() => model.trainingTrace(new Tape(), new Tape().constant(x), noise).tensor));
    assert.deepEqual(
      first.map((v) => v.dataSync()),
      before,
    );
    model
      .trainingGradients(
        x,
        noise,
        looking(() => {}),
      )
      .dispose();
    const [weight, bias] = model.layers.map((layer) => layer.variable);
    const u = tf.tidy(() => {
      // biome-ignore format: one line a matrix
      const padded = tf.pad(tf.sub(tf.div(x, 256), 0.5), [[0, 0], [1, 1], [1, 1], [0, 0]]);
      return tf.reshape(
        tf.add(
          tf.conv2d(padded as tf.Tensor4D, weight as unknown as tf.Tensor4D, 2, 'valid'),
          bias as tf.Tensor,
        ),
        [-1, 5],
      );
    });
    const [count] = u.shape as [number, number];
    const values = u.arraySync() as number[][];
    for (let c = 0; c < 5; c++) {
      const column = values.map((row) => row[c] as number);
      const mean = column.reduce((a, b) => a + b, 0) / count;
      const variance = column.reduce((a, b) => a + (b - mean) ** 2, 0) / (count - 1);
      assert.ok(Math.abs((first[0]?.dataSync()[c] as number) - 0.1 * mean) < 1e-5);
      assert.ok(Math.abs((first[1]?.dataSync()[c] as number) - (0.9 + 0.1 * variance)) < 1e-5);
    }
    assert.equal(first[2]?.dataSync()[0], 1);
  });

  it('bounds log p(x) from below: with a latent of one number, the integral over it is known', () => {
    const model = new Vae({
      family: 'vae',
      imageShape: [2, 2, 1],
      channels: [3],
      latent: 1,
      seed: 1,
    });
    shake(model.layers, 40, 0.5);
    const x = images(3, [2, 2, 1]);
    const variance = 0.3;
    const elbo = numbers(model.elbo(x, 9, { samples: 500, variance }));
    const bound = (samples: number) =>
      numbers(model.importanceWeightedBound(x, 9, { samples, variance }));
    const [one, many] = [bound(1), bound(2000)];
    const exact = integral(model, x, 9, variance);
    exact.forEach((logp, k) => {
      assert.ok(
        (elbo[k] as number) < logp + 0.05,
        `image ${k}: ELBO ${elbo[k]} above log p = ${logp}`,
      );
      assert.ok(
        Math.abs((many[k] as number) - logp) < 0.05,
        `image ${k}: bound of 2000 samples ${many[k]}, log p = ${logp}`,
      );
      assert.ok((elbo[k] as number) < (many[k] as number));
      assert.ok(Number.isFinite(one[k]) && one[k] !== many[k]);
    });
  });

  it('has an ELBO that is the objective and constants, where variance is ½ and the noise is the same', () => {
    const model = tiny();
    const x = images(2);
    const dimensions = 64;
    const elbo = numbers(model.elbo(x, 9));
    const objective = numbers(
      model.logLikelihood(dequantised(x, 9), tf.tensor2d(normals(deriveSeed(9, 1, 0), 6), [2, 3])),
    );
    elbo.forEach((value, k) => {
      const expected =
        (objective[k] as number) -
        (dimensions / 2) * Math.log(Math.PI) -
        dimensions * Math.log(256);
      assert.ok(Math.abs(value - expected) < 1e-3, `${value} instead of ${expected}`);
    });
  });

  it('has bits/dim that are the ELBO at the variance at which it is highest, and less than at the variance ½', () => {
    const model = tiny();
    const x = images(6);
    const mean = (values: Float32Array) =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    const bits = mean(numbers(model.bitsPerDim(x, 9)));
    const at = (variance: number) =>
      -mean(numbers(model.elbo(x, 9, { samples: 10, variance }))) / (64 * Math.LN2);
    const best = Math.min(...Array.from({ length: 24 }, (_, k) => at(0.01 * 1.2 ** k)));
    assert.ok(Math.abs(bits - best) < 0.02, `${bits} and ${best}`);
    assert.ok(bits < at(0.5) - 0.1);
    const black = numbers(model.bitsPerDim(tf.zerosLike(x), 9));
    assert.ok(black.every(Number.isFinite));
  });

  it('samples and reconstructs images of pixel values, the same for the same seed', () => {
    const model = tiny();
    const [a, b, c] = [1, 1, 2].map((seed) => numbers(model.sample(3, seed)));
    assert.deepEqual(a, b);
    assert.notDeepEqual(a, c);
    assert.ok(a?.every((v) => Number.isInteger(v) && v >= 0 && v <= 255));
    const x = images(2);
    const back = model.reconstruct(x, model.noise([0, 1], 1));
    assert.deepEqual(back.shape, x.shape);
    assert.ok(numbers(back).every((v) => v >= 0 && v <= 256));
  });

  it('leaves no tensor behind', () => {
    const model = tiny();
    const [x, z] = [images(2), model.noise([0, 1], 5)];
    const noise = model.trainingNoise(2, 5);
    const run = () => {
      model
        .gradients(
          x,
          z,
          looking(() => {}),
        )
        .dispose();
      model
        .trainingGradients(
          x,
          noise,
          looking(() => {}),
        )
        .dispose();
      model.imageGradient(x, z).dispose();
      model.elbo(x, 1).dispose();
      model.bitsPerDim(x, 1).dispose();
      model.importanceWeightedBound(x, 1, { samples: 2 }).dispose();
      model.reconstruct(x, z).dispose();
      model.sample(1, 1).dispose();
    };
    run();
    const held = tf.memory().numTensors;
    run();
    assert.equal(tf.memory().numTensors, held);
  });

  it('names image sizes it cannot take', () => {
    const config = {
      family: 'vae',
      imageShape: [28, 28, 1],
      channels: [4, 4, 4],
      latent: 2,
      seed: 1,
    } as const;
    assert.throws(
      () => new Vae(config),
      /3 stages cannot take images of 28x28; height and width must be multiples of 8/,
    );
    assert.throws(() => tiny().elbo(images(1), 1, { variance: 0 }), /variance is 0/);
    assert.throws(() => tiny().elbo(images(1), 1, { samples: 0.5 }), /samples is 0.5/);
  });
});
