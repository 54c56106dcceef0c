import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import { noised } from '../../src/gradients/operations/noising';
import { Tape } from '../../src/gradients/tape';
import { Diffusion } from '../../src/models/diffusion/diffusion';
import type { DiffusionConfig } from '../../src/models/diffusion/diffusion-family';
import {
  ancestral,
  type Denoiser,
  ddim,
  variationalBound,
} from '../../src/models/diffusion/diffusion-process';
import { sigmoidSchedule } from '../../src/models/diffusion/noise-schedule';
import { deriveSeed, normals, uniforms } from '../../src/numerics/random';
import golden from '../golden/diffusion-paper.json';
import { looking } from '../support/looking';
import { shake } from './finite-differences';

const SHAPE = [4, 6, 2] as const;
const CONFIG: DiffusionConfig = {
  family: 'diffusion',
  imageShape: SHAPE,
  dim: 8,
  dimMults: [1, 2],
  timesteps: 20,
  timestep: 3,
  seed: 3,
};

function tiny(): Diffusion {
  const model = new Diffusion(CONFIG);
  shake(model.layers, 100, 0.1);
  return model;
}

function images(n: number): tf.Tensor {
  return tf.tensor(
    uniforms(11, n * 48).map((u) => Math.floor(256 * u)),
    [n, ...SHAPE],
  );
}

const numbers = (x: tf.Tensor) => {
  const values = x.dataSync() as Float32Array;
  x.dispose();
  return values;
};
const mean = (x: ArrayLike<number>) =>
  Array.from(x).reduce((sum, value) => sum + value, 0) / x.length;
const variance = (x: ArrayLike<number>) => {
  const centre = mean(x);
  return mean(Array.from(x, (value) => (value - centre) ** 2));
};
const close = (actual: number, expected: number, tolerance: number, what = '') =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance,
    `${what} ${actual} instead of ${expected} ± ${tolerance}`,
  );

/**
 * Where every number of an image is N(centre, spread²), the best guess of the noise is linear in
 * x_t.
 */
function exactDenoiser(
  schedule: ReturnType<typeof sigmoidSchedule>,
  centre: number,
  spread: number,
): Denoiser {
  return (x, t) => {
    const share = schedule.signal[t] as number;
    const slope = Math.sqrt(1 - share) / (share * spread ** 2 + 1 - share);
    return tf.tidy(() => tf.mul(tf.sub(x, Math.sqrt(share) * centre), slope));
  };
}

describe('the noise schedule', () => {
  const schedule = sigmoidSchedule(1000);

  it("has the values of the paper's code", () => {
    const places = [0, 1, 9, 99, 499, 999];
    places.forEach((t, k) => {
      const expected = golden.alphasCumprod[k] as number;
      close(schedule.signal[t] as number, expected, 1e-6 * expected, `index ${t}:`);
    });
  });

  it('makes q(x_t | x_0) what a thousand small steps make: mean and variance', () => {
    let [signal, noise] = [1, 0]; // x_t = signal x_0 + N(0, noise)
    schedule.betas.forEach((beta, t) => {
      [signal, noise] = [signal * Math.sqrt(1 - beta), noise * (1 - beta) + beta];
      close(signal ** 2, schedule.signal[t] as number, 1e-12);
      close(noise, 1 - (schedule.signal[t] as number), 1e-12);
    });
  });

  it('gives sampled noise those moments', async () => {
    await startBackend();
    const share = schedule.signal[400] as number;
    const n = 20_000;
    const x = tf.tidy(() => {
      const tape = new Tape();
      const start = tape.constant(tf.fill([1, n], 0.7));
      return noised(
        tape,
        start,
        tf.tensor2d(normals(1, n), [1, n]),
        tf.tensor1d([Math.sqrt(share)]),
        tf.tensor1d([Math.sqrt(1 - share)]),
      ).tensor;
    });
    const values = numbers(x);
    close(mean(values), 0.7 * Math.sqrt(share), 4 * Math.sqrt((1 - share) / n));
    close(variance(values), 1 - share, 4 * (1 - share) * Math.sqrt(2 / n));
  });

  it("has the posterior q(x_{t−1} | x_t, x_0) of Bayes' rule", () => {
    const [start, here] = [0.3, -0.8];
    for (const t of [1, 2, 50, 500, 999]) {
      const [before, beta] = [schedule.signalBefore(t), schedule.betas[t] as number];
      const precision = 1 / (1 - before) + (1 - beta) / beta;
      const expected =
        ((Math.sqrt(before) * start) / (1 - before) + (Math.sqrt(1 - beta) * here) / beta) /
        precision;
      const { start: a, here: b, variance } = schedule.posterior(t);
      close(a * start + b * here, expected, 1e-9, `mean at ${t}`);
      close(variance, 1 / precision, 1e-9, `variance at ${t}`);
    }
  });
});

describe('reversing the noise with the optimal denoiser of a Gaussian', () => {
  before(() => startBackend());
  const schedule = sigmoidSchedule(1000);
  const [centre, spread] = [0.1, 0.2];
  const denoise = exactDenoiser(schedule, centre, spread);

  it('ancestral sampling and DDIM draw from that Gaussian', () => {
    const n = 2000;
    for (const [name, x] of [
      ['ancestral', ancestral(denoise, schedule, [1, n], 4)],
      ['ddim', ddim(denoise, schedule, [1, n], 4, 200)],
    ] as const) {
      const values = numbers(x);
      close(mean(values), centre, (4 * spread) / Math.sqrt(n), `${name}, mean:`);
      close(Math.sqrt(variance(values)), spread, 0.02, `${name}, deviation:`);
    }
  });

  it('the variational bound is the entropy of the 8-bit Gaussian and a little more', () => {
    const schedule = sigmoidSchedule(300);
    const denoise = exactDenoiser(schedule, centre, spread);
    const [n, d] = [256, 64];
    const pixels = normals(8, n * d).map((z) => Math.round((1 + centre + spread * z) * 127.5));
    const start = tf.tensor2d(
      pixels.map((pixel) => pixel / 127.5 - 1),
      [n, d],
    );
    // log-probability of every pixel under the Gaussian rounded to the grid, by its density: the
    // grid is fine against the spread.
    const logp = (pixel: number) =>
      -0.5 * ((pixel / 127.5 - 1 - centre) / spread) ** 2 -
      Math.log(spread * Math.sqrt(2 * Math.PI)) -
      Math.log(127.5);
    const exact = -mean(Array.from(pixels, logp));
    const all = numbers(variationalBound(denoise, schedule, start, 5));
    const bound = mean(all) / d;
    assert.ok(
      bound > exact - 0.02 && bound < exact + 0.04,
      `bound ${bound}, −log p ${exact} nats a number`,
    );
    const few = mean(numbers(variationalBound(denoise, schedule, start, 6, 50))) / d;
    close(few, bound, 0.1, 'from 50 of 299 terms:');
    const worse: Denoiser = (x, t) => tf.tidy(() => tf.mul(denoise(x, t), 0.9));
    assert.ok(mean(numbers(variationalBound(worse, schedule, start, 5))) / d > bound + 0.1);
    start.dispose();
  });
});

describe('the diffusion model', () => {
  before(() => startBackend());

  it('gives the same gradient in every way: as squared norms, in full, summed, for one image and for groups', () => {
    const model = tiny();
    const [x, e] = [images(4), model.noise([0, 1, 2, 3], 5)];
    const wrong: string[] = [];
    const seen = new Set<string>();
    const value = model.gradients(
      x,
      e,
      looking((layer, factors) => {
        seen.add(layer.name);
        const rows = factors.instantiate(1).arraySync() as number[][];
        const add = (some: number[][]) =>
          (some[0] as number[]).map((_, k) =>
            some.reduce((sum, row) => sum + (row[k] as number), 0),
          );
        const norm = (row: number[]) => row.reduce((sum, g) => sum + g * g, 0);
        const pairs: [string, ArrayLike<number>, number[]][] = [
          ['squared norms', factors.squaredNorms(1).dataSync(), rows.map(norm)],
          [
            'pairs',
            factors.squaredNorms(2).dataSync(),
            [add(rows.slice(0, 2)), add(rows.slice(2))].map(norm),
          ],
          ['summed', factors.total().dataSync(), add(rows)],
        ];
        for (const [name, actual, expected] of pairs) {
          const largest = Math.max(...expected.map(Math.abs));
          expected.forEach((number, k) => {
            if (
              !(
                Math.abs((actual[k] as number) - number) <=
                1e-3 * Math.abs(number) + 1e-4 * largest
              )
            ) {
              wrong.push(`${layer.name}, ${name}, ${k}: ${actual[k]} instead of ${number}`);
            }
          });
        }
      }),
    );
    tf.dispose([x, e, value]);
    assert.deepEqual(wrong, []);
    assert.equal(seen.size, model.layers.length);
  });

  it('has gradients of the training loss, with a separate timestep for each image, that agree with finite differences', () => {
    const model = tiny();
    const x = images(3);
    const noise = model.trainingNoise(3, 7);
    const gradient = new Map<string, Float32Array>();
    model
      .trainingGradients(
        x,
        noise,
        looking((layer, factors) => {
          gradient.set(layer.name, factors.total().dataSync() as Float32Array);
        }),
      )
      .dispose();
    const loss = () =>
      mean(
        numbers(
          tf.tidy(() => model.trainingTrace(new Tape(), new Tape().constant(x), noise).tensor),
        ),
      ) * 3;
    const before = model.layers.map((layer) => layer.variable.clone());
    for (const seed of [1, 2, 3]) {
      const directions = model.layers.map((layer, k) =>
        normals(1000 * seed + k, layer.variable.size),
      );
      const at = (distance: number) => {
        model.layers.forEach((layer, k) => {
          const moved = tf.tidy(() =>
            tf.add(
              before[k] as tf.Tensor,
              tf.mul(tf.tensor(directions[k] as Float32Array, layer.variable.shape), distance),
            ),
          );
          layer.variable.assign(moved);
          moved.dispose();
        });
        return loss();
      };
      const step = 1e-4;
      const slope = (at(step) - at(-step)) / (2 * step);
      let expected = 0;
      model.layers.forEach((layer, k) => {
        const g = gradient.get(layer.name) as Float32Array;
        g.forEach((value, i) => {
          expected += value * (directions[k]?.[i] as number);
        });
      });
      const size = Math.hypot(
        ...model.layers.map((layer) => Math.hypot(...(gradient.get(layer.name) as Float32Array))),
      );
      close(slope, expected, 0.02 * size, `direction ${seed}:`);
    }
    tf.dispose([x, ...before]);
  });

  it('has gradients to the pixels that agree with finite differences', () => {
    const model = tiny();
    const [x, e] = [images(1), model.noise([0], 5)];
    const gradient = numbers(model.imageGradient(x, e));
    const direction = normals(3, 48);
    const at = (distance: number) => {
      const moved = tf.tidy(() => tf.add(x, tf.mul(tf.tensor(direction, x.shape), distance)));
      const value = numbers(model.logLikelihood(moved, e))[0] as number;
      moved.dispose();
      return value;
    };
    const expected = gradient.reduce((sum, g, k) => sum + g * (direction[k] as number), 0);
    close((at(0.2) - at(-0.2)) / 0.4, expected, 0.03 * Math.hypot(...gradient));
    tf.dispose([x, e]);
  });

  it('evaluates held-out images at a separate timestep for each, the same in any batch', () => {
    const model = tiny();
    const x = images(6);
    const one = (k: number) => tf.tidy(() => tf.slice(x, [k, 0, 0, 0], [1, -1, -1, -1]));
    const together = numbers(model.heldOut(x, [0, 1, 2, 3, 4, 5], 9));
    const timesteps = Array.from(together, (value, k) => {
      close(numbers(model.heldOut(one(k), [k], 9))[0] as number, value, 1e-6);
      const noise = model.noise([k], deriveSeed(9, 1));
      return Array.from({ length: CONFIG.timesteps }, (_, t) => t).filter(
        (t) =>
          Math.abs(
            (numbers(model.atTimestep(t).logLikelihood(one(k), noise))[0] as number) - value,
          ) < 1e-6,
      );
    });
    assert.ok(
      timesteps.every((found) => found.length === 1),
      `timesteps ${JSON.stringify(timesteps)}`,
    );
    assert.ok(new Set(timesteps.flat()).size > 1);
  });

  it('has bits/dim that are the variational bound, with separate noise and timesteps for every eight images', () => {
    const model = new Diffusion({ ...CONFIG, timesteps: 20 });
    const x = images(20);
    const expected = [0, 1, 2].flatMap((part) => {
      const some = tf.tidy(() =>
        tf.slice(x, [8 * part, 0, 0, 0], [Math.min(8, 20 - 8 * part), -1, -1, -1]),
      );
      return Array.from(
        numbers(model.variationalBound(some, deriveSeed(1, part), { timesteps: 8 })),
      );
    });
    const bits = numbers(model.bitsPerDim(x, 1));
    assert.equal(bits.length, 20);
    expected.forEach((value, k) => {
      close(bits[k] as number, value, 1e-4 * value, `image ${k}:`);
    });
    const all = new Diffusion({ ...CONFIG, timesteps: 8 });
    const eight = tf.tidy(() => tf.slice(x, [0, 0, 0, 0], [8, -1, -1, -1]));
    assert.deepEqual(
      numbers(all.bitsPerDim(eight, 1)),
      numbers(all.variationalBound(eight, deriveSeed(1, 0))),
    );
    tf.dispose([x, eight]);
  });

  it('gives the same bound for many images, with the network replayed as a graph, as for few', () => {
    const model = tiny();
    const x = images(40);
    const few = tf.tidy(() => tf.slice(x, [0, 0, 0, 0], [4, -1, -1, -1]));
    const many = numbers(model.variationalBound(x, 3)); // noise is drawn image after image
    numbers(model.variationalBound(few, 3)).forEach((value, k) => {
      close(many[k] as number, value, 1e-4 * value, `image ${k}:`);
    });
    tf.dispose([x, few]);
  });

  it('can use another timestep with the same layers', () => {
    const model = tiny();
    const [x, e] = [images(2), model.noise([0, 1], 5)];
    const late = model.atTimestep(19);
    assert.equal(late.layers, model.layers);
    assert.notDeepEqual(numbers(late.logLikelihood(x, e)), numbers(model.logLikelihood(x, e)));
    assert.deepEqual(
      numbers(late.atTimestep(3).logLikelihood(x, e)),
      numbers(model.logLikelihood(x, e)),
    );
    tf.dispose([x, e]);
  });

  it('samples pixel values in both ways, the same for the same seed', () => {
    const model = tiny();
    for (const method of ['ancestral', 'ddim'] as const) {
      const [a, b, c] = [1, 1, 2].map((seed) =>
        numbers(model.sample(2, seed, { method, steps: 5 })),
      );
      assert.equal(a?.length, 2 * 48);
      assert.ok(a?.every((v) => Number.isInteger(v) && v >= 0 && v <= 255));
      assert.deepEqual(a, b);
      assert.notDeepEqual(a, c);
    }
  });

  it('leaves no tensor behind', () => {
    const model = tiny();
    const [x, e] = [images(2), model.noise([0, 1], 5)];
    const given = model.trainingNoise(2, 5);
    const run = () => {
      model
        .gradients(
          x,
          e,
          looking((_, factors) => factors.squaredNorms(1).dispose()),
        )
        .dispose();
      model
        .trainingGradients(
          x,
          given,
          looking((_, factors) => factors.total().dispose()),
        )
        .dispose();
      model.imageGradient(x, e).dispose();
      model.logLikelihood(x, e).dispose();
      model.variationalBound(x, 1, { timesteps: 3 }).dispose();
      model.bitsPerDim(x, 1).dispose();
      model.sample(1, 1).dispose();
      model.sample(1, 1, { method: 'ddim', steps: 2 }).dispose();
    };
    run();
    const held = tf.memory().numTensors;
    run();
    assert.equal(tf.memory().numTensors, held);
    tf.dispose([x, e]);
  });

  it('reports invalid configurations and requests', () => {
    assert.throws(
      () => new Diffusion({ ...CONFIG, imageShape: [5, 6, 2] }),
      /2 levels cannot take images of 5x6; .* multiples of 2/,
    );
    assert.throws(() => new Diffusion({ ...CONFIG, dim: 12 }), /dim 12 .* multiple of 8/);
    assert.throws(
      () => new Diffusion({ ...CONFIG, timestep: 20 }),
      /timestep 20 is not one of the 20; choose from 0 to 19/,
    );
    assert.throws(() => new Diffusion({ ...CONFIG, timesteps: 0 }), /timesteps is 0/);
    assert.throws(
      () => tiny().sample(1, 1, { method: 'ddim', steps: 21 }),
      /DDIM cannot take 21 steps; choose from 1 to 20/,
    );
    const x = images(1);
    assert.throws(
      () => tiny().variationalBound(x, 1, { timesteps: 20 }),
      /from 20 timesteps; choose from 1 to 19/,
    );
    assert.throws(
      () => tiny().variationalBound(tf.slice(x, [0, 0, 0, 0], [1, 4, 4, 2]), 1),
      /images have shape \[1, 4, 4, 2\]/,
    );
    x.dispose();
  });
});
