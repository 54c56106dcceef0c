import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import type { Dataset } from '../../src/data/dataset';
import { imagesOf } from '../../src/features/image-draws';
import { continuousSamplesOf, samplesOf } from '../../src/fisher/draws';
import { estimateFisher, scoreZ, traceIntervals } from '../../src/fisher/estimate';
import { fisherWindow } from '../../src/fisher/windows';
import { compose, hsv, logit } from '../../src/invariance/index';
import { represent } from '../../src/invariance/represent';
import { disposeModel } from '../../src/models/checkpoint';
import { Glow } from '../../src/models/glow/glow';
import type { TapedModel } from '../../src/models/model';
import { normals } from '../../src/numerics/random';
import { disagreements, shake } from '../models/finite-differences';
import { ActnormFlow, identity, LinearFlow, LinearGaussian } from './tiny-models';

const allWeights = (model: TapedModel) =>
  new Map(
    model.layers.map((layer) => [
      layer.name,
      Array.from({ length: layer.variable.size }, (_, i) => i),
    ]),
  );

/** Largest |a − b|. */
const gap = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] as number))), 0);

const linearGaussian = () =>
  new LinearGaussian(
    Float32Array.of(1, -0.5, 2),
    normals(1, 12),
    Float32Array.from(normals(2, 4), (value) => 0.3 * value),
  );
const linearFlow = (d = 3, C = identity(d)) =>
  new LinearFlow(
    d,
    identity(d).map((value, k) => value + 0.4 * (normals(3, d * d)[k] as number)),
    C,
  );
const actnormFlow = () =>
  new ActnormFlow([2, 3, 2], Float32Array.of(0.3, -0.2), Float32Array.of(0.4, -0.7));

/** The whole F̂ of a tiny model, its layers one after the other. */
async function wholeFisher(model: TapedModel, samples: number, seed = 5): Promise<Float64Array> {
  const estimate = await estimateFisher(model, samplesOf(model, seed, samples), {
    windows: allWeights(model),
  });
  return fisherWindow(
    estimate,
    model.layers.map((layer) => layer.name),
  ).raw;
}

/** F of the linear-Gaussian model, closed form, [16 × 16]: 12 weights of A, then 4 log scales. */
function linearGaussianFisher({ h, s }: LinearGaussian): Float64Array {
  const [p, d] = [h.length, s.length];
  const P = p * d + d;
  const F = new Float64Array(P * P);
  for (let i = 0; i < p; i++)
    for (let j = 0; j < p; j++)
      for (let k = 0; k < d; k++)
        F[(i * d + k) * P + j * d + k] =
          (h[i] as number) * (h[j] as number) * Math.exp(2 * (s[k] as number));
  for (let k = 0; k < d; k++) F[(p * d + k) * P + p * d + k] = 2;
  return F;
}

describe('the Monte-Carlo Fisher information', () => {
  before(startBackend);

  for (const [name, make] of [
    ['linear-Gaussian', linearGaussian],
    ['linear flow', linearFlow],
    ['actnorm flow', actnormFlow],
  ] as const) {
    it(`has gradients on the ${name} model that finite differences confirm`, () => {
      const model: TapedModel = make();
      const images = model.sample(3, 7);
      const noise = model.noise([0, 1, 2], 0);
      const lines = disagreements({
        layers: model.layers,
        value: () => tf.tidy(() => model.logLikelihood(images, noise).dataSync() as Float32Array),
        gradients: (collector) => model.gradients(images, noise, collector).dispose(),
      });
      assert.deepEqual(lines, []);
      tf.dispose([images, noise]);
      disposeModel(model);
    });
  }

  it('is the closed form of a linear-Gaussian model, across layers too', async () => {
    const model = linearGaussian();
    const exact = linearGaussianFisher(model);
    const error = gap(await wholeFisher(model, 40_000), exact);
    assert.ok(error < 0.06 * Math.max(...exact), `off by ${error} of ${Math.max(...exact)}`);
    disposeModel(model);
  });

  it('is the closed form of a linear flow, whose entries are all correlated', async () => {
    const model = linearFlow();
    const exact = model.information();
    const error = gap(await wholeFisher(model, 40_000), exact);
    assert.ok(error < 0.06 * Math.max(...exact), `off by ${error} of ${Math.max(...exact)}`);
    disposeModel(model);
  });

  it('is T e^{2s} and 2T for the bias and log scale of an actnorm on T pixels', async () => {
    const model = actnormFlow();
    const { layers } = await estimateFisher(model, samplesOf(model, 5, 20_000));
    const [bias, logs] = layers as [(typeof layers)[0], (typeof layers)[0]];
    model.s.forEach((s, c) => {
      assert.ok(
        Math.abs((bias.diagonal[c] as number) / (6 * Math.exp(2 * s)) - 1) < 0.05,
        `bias ${c}: ${bias.diagonal[c]}`,
      );
      assert.ok(
        Math.abs((logs.diagonal[c] as number) / 12 - 1) < 0.05,
        `logs ${c}: ${logs.diagonal[c]}`,
      );
    });
    assert.ok(
      Math.abs(
        bias.trace / (bias.diagonal[0] as number) -
          1 -
          (bias.diagonal[1] as number) / (bias.diagonal[0] as number),
      ) < 1e-4,
    );
    disposeModel(model);
  });

  it('comes closer to the closed form as 1/√N over four sizes', async () => {
    const model = linearFlow();
    const exact = model.information();
    const sizes = [64, 256, 1024, 4096];
    const errors: number[] = [];
    for (const N of sizes) {
      let total = 0;
      for (let r = 0; r < 16; r++) {
        const F = await wholeFisher(model, N, 100 + r);
        total +=
          F.reduce((sum, value, i) => sum + (value - (exact[i] as number)) ** 2, 0) / F.length;
      }
      errors.push(Math.sqrt(total / 16));
    }
    const x = sizes.map(Math.log);
    const y = errors.map(Math.log);
    const [mx, my] = [x, y].map((values) => values.reduce((a, b) => a + b, 0) / 4) as [
      number,
      number,
    ];
    const slope =
      x.reduce((sum, value, i) => sum + (value - mx) * ((y[i] as number) - my), 0) /
      x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
    assert.ok(Math.abs(slope + 0.5) < 0.12, `log-log slope ${slope} of ${errors}`);
    disposeModel(model);
  });

  it('is minus the expected Hessian of log p', async () => {
    const model = linearFlow();
    const [layer] = model.layers as [(typeof model.layers)[0]];
    const P = layer.variable.size;
    const draws = samplesOf(model, 11, 8192);
    const before = layer.variable.clone();
    const hessian = new Float64Array(P * P);
    const step = 0.02;
    const meanScore = async (i: number, by: number) => {
      tf.tidy(() =>
        layer.variable.assign(
          tf.add(before, tf.reshape(tf.oneHot(tf.tensor1d([i], 'int32'), P).mul(by), before.shape)),
        ),
      );
      return (await estimateFisher(model, draws)).layers[0]?.mean as Float32Array;
    };
    for (let i = 0; i < P; i++) {
      const [up, down] = [await meanScore(i, step), await meanScore(i, -step)];
      for (let j = 0; j < P; j++)
        hessian[i * P + j] = ((up[j] as number) - (down[j] as number)) / (2 * step);
    }
    layer.variable.assign(before);
    before.dispose();
    const F = await wholeFisher(model, 8192, 11);
    const largest = Math.max(...F);
    const error = gap(
      F,
      hessian.map((value) => -value),
    );
    assert.ok(error < 0.1 * largest, `F and −E[Hessian] differ by ${error} of ${largest}`);
    disposeModel(model);
  });

  it('has a mean score of 0, as seen by its own standard error', async () => {
    for (const model of [linearGaussian(), linearFlow(), actnormFlow()] as TapedModel[]) {
      const z = scoreZ(await estimateFisher(model, samplesOf(model, 21, 4096)));
      const largest = Math.max(...z.map(Math.abs));
      assert.ok(largest < 3.6, `${largest} standard errors`);
      disposeModel(model);
    }
  });

  it('has a mean score of 0 for a Glow over its samples before they are rounded', async () => {
    const model = new Glow({
      family: 'glow',
      imageShape: [4, 4, 1],
      K: 2,
      L: 1,
      hidden: 6,
      seed: 1,
    });
    shake(model.layers, 4, 0.1);
    const z = scoreZ(await estimateFisher(model, continuousSamplesOf(model, 21, 4096)));
    const beyond = z.filter((value) => Math.abs(value) > 1.96).length / z.length;
    const largest = Math.max(...z.map(Math.abs));
    assert.ok(beyond < 0.15 && largest < 4.5, `${beyond} beyond 1.96, largest ${largest}`);
    const rounded = scoreZ(await estimateFisher(model, samplesOf(model, 21, 4096)));
    const then = rounded.filter((value) => Math.abs(value) > 1.96).length / z.length;
    assert.ok(then > 0.5, `rounding and cutting off should show, but only ${then} are beyond 1.96`);
    disposeModel(model);
  });

  it("sees a score that is not 0 when the samples are not the model's", async () => {
    const model = actnormFlow();
    const draws = samplesOf(model, 21, 512);
    for (const block of draws.blocks()) tf.dispose(Object.values(block)); // drawn and remembered
    tf.tidy(() => model.layers[0]?.variable.assign(tf.tensor1d([1, -0.2])));
    assert.ok(Math.max(...scoreZ(await estimateFisher(model, draws)).map(Math.abs)) > 10);
    disposeModel(model);
  });

  it('changes under a reparameterisation of the weights as a metric does: Cᵀ F C', async () => {
    const d = 3;
    const C = Float32Array.from(
      identity(d),
      (value, k) => value + 0.5 * (normals(9, 9)[k] as number),
    );
    // The same flow W in two parameterisations: W itself, and V with W = C V.
    const inC = linearFlow(d, C);
    const W = tf.tidy(
      () =>
        tf
          .matMul(tf.tensor2d(C, [d, d]), inC.layers[0]?.variable as never)
          .dataSync() as Float32Array,
    );
    const plain = new LinearFlow(d, W);
    const [ofV, ofW] = [await wholeFisher(inC, 300), await wholeFisher(plain, 300)];
    // ∂W/∂V = C ⊗ I: W_kj = Σ_i C_ki V_ij.
    const P = d * d;
    const jacobian = (w: number, v: number) =>
      w % d === v % d ? (C[Math.floor(w / d) * d + Math.floor(v / d)] as number) : 0;
    const expected = Float64Array.from({ length: P * P }, (_, k) => {
      const [a, b] = [Math.floor(k / P), k % P];
      let total = 0;
      for (let i = 0; i < P; i++)
        for (let j = 0; j < P; j++)
          total += jacobian(i, a) * (ofW[i * P + j] as number) * jacobian(j, b);
      return total;
    });
    assert.ok(
      gap(ofV, expected) < 2e-4 * Math.max(...expected),
      `differs by ${gap(ofV, expected)}`,
    );
    assert.ok(
      gap(ofV, ofW) > 0.1 * Math.max(...ofW),
      'the two parameterisations should not have the same matrix',
    );
    for (const model of [inC, plain]) disposeModel(model);
  });

  it('does not change when images are represented in another way', async () => {
    const model = new Glow({
      family: 'glow',
      imageShape: [4, 4, 3],
      K: 2,
      L: 1,
      hidden: 6,
      seed: 1,
    });
    const first = model.sample(8, 3);
    model.initialise(first, 1);
    first.dispose();
    const windows = new Map([['flow.layers.1.actnorm.logs', [0, 3, 7]]]);
    const own = await estimateFisher(model, samplesOf(model, 3, 100), { windows });
    for (const T of [hsv, logit()]) {
      const seen = represent(model, T);
      const other = await estimateFisher(seen, samplesOf(seen, 3, 100), { windows });
      own.layers.forEach((layer, j) => {
        const [a, b] = [layer.trace, other.layers[j]?.trace as number];
        assert.ok(
          Math.abs(a - b) <= 2e-3 * a,
          `${T.name}: trace of ${layer.name} is ${a}, then ${b}`,
        );
      });
      const [a, b] = [own, other].map(
        (estimate) => fisherWindow(estimate, [...windows.keys()]).normalised,
      ) as [Float64Array, Float64Array];
      assert.ok(gap(a, b) < 2e-3, `${T.name}: windows differ by ${gap(a, b)}`);
    }
    disposeModel(model);
  });

  it('over images of a set does not change with the representation either: they enter as points', async () => {
    const model = new Glow({
      family: 'glow',
      imageShape: [4, 4, 3],
      K: 2,
      L: 1,
      hidden: 6,
      seed: 1,
    });
    shake(model.layers, 4, 0.1);
    const images = Uint8Array.from(normals(6, 20 * 48), (z) =>
      Math.max(0, Math.min(255, 128 + 50 * z)),
    );
    const data = { name: 'made', count: 20, shape: [4, 4, 3], images } as unknown as Dataset;
    const indices = Array.from({ length: 20 }, (_, i) => i);
    const estimates = [compose(), hsv, logit()].map((T) => {
      const seen = represent(model, T);
      return estimateFisher(seen, imagesOf(seen, data, indices, 3));
    });
    const [own, ...others] = (await Promise.all(estimates)).map(({ layers }) => layers);
    for (const layers of others)
      own?.forEach(({ name, trace }, j) => {
        assert.ok(
          Math.abs((layers[j]?.trace as number) - trace) <= 2e-3 * trace,
          `${name}: ${trace}, then ${layers[j]?.trace}`,
        );
      });
    disposeModel(model);
  });

  it('does not depend on how samples are cut into blocks: more begin with fewer', async () => {
    const model = linearGaussian();
    const normsOf = async (N: number) =>
      (await estimateFisher(model, samplesOf(model, 5, N))).layers[0]?.squaredNorms as Float64Array;
    const [few, many] = [await normsOf(100), await normsOf(200)];
    assert.ok(gap(few.slice(0, 100), many.slice(0, 100)) < 1e-5);
    disposeModel(model);
  });

  it('gives intervals of the trace that contain the closed form about 95 times in 100', async () => {
    const model = actnormFlow();
    const exact = [6 * (Math.exp(0.8) + Math.exp(-1.4)), 2 * 12];
    let held = 0;
    for (let seed = 0; seed < 60; seed++) {
      traceIntervals(await estimateFisher(model, samplesOf(model, seed, 256)), seed, 200).forEach(
        ({ low, high }, j) => {
          if (low <= (exact[j] as number) && (exact[j] as number) <= high) held++;
        },
      );
    }
    assert.ok(held >= 102 && held <= 119, `${held} of 120`);
    disposeModel(model);
  });

  it('leaves no tensor behind', async () => {
    const model = linearGaussian();
    const before = tf.memory().numTensors;
    await estimateFisher(model, samplesOf(model, 5, 100), { windows: allWeights(model) });
    assert.equal(tf.memory().numTensors, before);
    disposeModel(model);
  });

  it('leaves out samples without a finite image, counts them, and draws others', async () => {
    const model = linearGaussian();
    const sample = model.sample.bind(model);
    // Every tenth image of each block explodes.
    model.sample = (n, seed) =>
      tf.tidy(() => {
        const bad = tf.tensor(
          Float32Array.from({ length: n }, (_, i) =>
            i % 20 === 3 ? Number.NaN : i % 20 === 13 ? 1e9 : 0,
          ),
          [n, 1, 1, 1],
        );
        return tf.add(sample(n, seed), bad);
      });
    const draws = samplesOf(model, 5, 100);
    const { layers, samples } = await estimateFisher(model, draws);
    assert.equal(samples, 100);
    assert.equal(draws.lost, 14);
    assert.ok(
      layers.every(
        ({ squaredNorms }) => squaredNorms.length === 100 && squaredNorms.every((norm) => norm > 0),
      ),
    );
    model.sample = (n) => tf.fill([n, 1, 1, 4], Number.NaN);
    await assert.rejects(estimateFisher(model, samplesOf(model, 5, 100)), /not finite.*damaged/s);
    disposeModel(model);
  });

  it('refuses to draw no samples', () => {
    const model = linearGaussian();
    assert.throws(() => samplesOf(model, 1, 0), /0 samples.*whole number/s);
    disposeModel(model);
  });
});
