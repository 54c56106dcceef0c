import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import { startBackend, tf } from '../../src/backend/start';
import { pixels } from '../../src/data/batches';
import type { Images } from '../../src/data/dataset';
import type { FeatureTable } from '../../src/detectors/table';
import { complexity } from '../../src/features/complexity';
import { flowParts } from '../../src/features/flow-parts';
import { likelihoodRegret, regrets } from '../../src/features/likelihood-regret';
import { posteriorParts } from '../../src/features/posterior-parts';
import { scoreNorms, timestepsOf } from '../../src/features/score-norms';
import {
  beside,
  type ImageStatistic,
  statisticTable,
  summedInBatches,
} from '../../src/features/statistic';
import { disposeModel } from '../../src/models/checkpoint';
import { Diffusion } from '../../src/models/diffusion/diffusion';
import { Glow } from '../../src/models/glow/glow';
import { Vae } from '../../src/models/vae/vae';
import { deriveSeed, noiseByIndex, uniformAt } from '../../src/numerics/random';
import { grown, images, shaken } from '../support/tiny';

before(startBackend);

/** The statistic of a model that has it. */
function ofModel(statistic: ImageStatistic | null): ImageStatistic {
  assert.ok(statistic !== null);
  return statistic;
}

describe('statistics of single images', () => {
  let cache: string;
  beforeEach(() => {
    cache = mkdtempSync(path.join(tmpdir(), 'fisherlab-columns-'));
  });
  afterEach(() => rmSync(cache, { recursive: true }));

  /** The sum of an image's pixels, and how often it was asked for. */
  function pixelSum(factor: number): ImageStatistic & { asked: number } {
    return {
      asked: 0,
      name: 'pixel-sum',
      version: 1,
      columns: [{ feature: 'pixel-sum' }],
      key: { factor },
      async of(data, indices) {
        this.asked += indices.length;
        const size = data.images.length / data.count;
        return [
          indices.map(
            (k) =>
              factor * data.images.subarray(k * size, (k + 1) * size).reduce((a, b) => a + b, 0),
          ),
        ];
      },
    };
  }

  it('are computed once per image, kept under their key, and summed in batches, without an incomplete last one', async () => {
    const data = images('some', 107, [4, 4, 1], 1);
    const statistic = pixelSum(1);
    const table = await statisticTable(statistic, data, { cache });
    assert.equal(statistic.asked, 107);
    assert.deepEqual(await statisticTable(statistic, data, { cache }), table);
    assert.equal(statistic.asked, 107);
    const doubled = await statisticTable(pixelSum(2), data, { cache });
    assert.equal(doubled.columns[0]?.values[3], 2 * (table.columns[0]?.values[3] as number));
    assert.equal(readdirSync(cache).length, 2);
    const newer = { ...pixelSum(1), version: 2, asked: 0 };
    await statisticTable(newer, data, { cache });
    assert.deepEqual([newer.asked, readdirSync(cache).length], [107, 3], 'another version is new');

    const batches = summedInBatches(table, 5);
    assert.equal(batches.rows, 21);
    const all = data.images.subarray(0, 105 * 16).reduce((a, b) => a + b, 0);
    assert.equal(
      batches.columns[0]?.values.reduce((a, b) => a + b, 0),
      all,
    );
    assert.equal(
      batches.columns[0]?.values[2],
      data.images.subarray(160, 240).reduce((a, b) => a + b, 0),
    );
  });

  it('are refused if a number is not finite, naming the image', async () => {
    const broken: ImageStatistic = {
      ...pixelSum(1),
      of: async (_, indices) => [indices.map((k) => (k === 57 ? Number.NaN : 1))],
    };
    await assert.rejects(
      statisticTable(broken, images('some', 60, [4, 4, 1], 1), { cache }),
      /pixel-sum of image 57 of 'some' is NaN/,
    );
    assert.deepEqual(readdirSync(cache), []);
  });

  it('cannot be put beside tables of other batches', () => {
    const table = (rows: number, batchSize: number): FeatureTable => ({
      rows,
      batchSize,
      columns: [],
    });
    assert.throws(() => beside(table(4, 5), table(4, 1)), /4 batches of 5 and of 4 batches of 1/);
    assert.throws(() => beside(table(4, 5), table(3, 5)), /cannot be put side by side/);
  });
});

describe('complexity in bits', () => {
  const bits = async (data: Images) =>
    (
      await ofModel(complexity({ model: {} })).of(data, [...Array(data.count).keys()])
    )[0] as ArrayLike<number>;

  it('is small for a plain image and at least the entropy for noise, in bits', async () => {
    const noise = images('noise', 2, [32, 32, 3], 3);
    const plain = { ...noise, images: noise.images.map(() => 77) };
    const random = (await bits(noise))[0] as number;
    // 3072 independent bytes cannot be packed, and no codec here wastes a tenth: a unit of bytes or
    // nats would show.
    assert.ok(random > 8 * 3072 && random < 8 * 3072 * 1.1, `${random} bits`);
    assert.ok(((await bits(plain))[0] as number) < 8 * 200);
  });

  it('orders images as deflate does and takes no more bits on smooth ones', async () => {
    const smooth = images('smooth', 6, [32, 32, 3], 4);
    const graded = Uint8Array.from(
      smooth.images,
      (value, at) => value % (1 + 6 * Math.floor(at / 3072)),
    );
    const found = Array.from(await bits({ ...smooth, images: graded }));
    const deflated = Array.from(
      { length: 6 },
      (_, k) => 8 * deflateSync(graded.subarray(k * 3072, (k + 1) * 3072), { level: 9 }).length,
    );
    for (let k = 1; k < 6; k++) {
      assert.ok(
        (found[k] as number) > (found[k - 1] as number) &&
          (deflated[k] as number) > (deflated[k - 1] as number),
      );
      assert.ok(
        (found[k] as number) < (deflated[k] as number) + 8 * 100,
        `${found} against ${deflated}`,
      );
    }
  });

  it('does not count the black border of a 28x28 image, and counts a border that is not black', async () => {
    const inner = images('noise', 1, [28, 28, 1], 5);
    const framed = (frame: number): Images => {
      const whole = new Uint8Array(32 * 32).fill(frame);
      for (let y = 0; y < 28; y++)
        whole.set(inner.images.subarray(28 * y, 28 * (y + 1)), 32 * (y + 2) + 2);
      return { name: 'framed', count: 1, shape: [32, 32, 1], images: whole };
    };
    assert.equal((await bits(framed(0)))[0], (await bits(inner))[0]);
    assert.ok(((await bits(framed(9)))[0] as number) > ((await bits(inner))[0] as number));
  });
});

describe('columns of models', () => {
  it('split the log-likelihood of a flow into two parts that add up to it, whatever other images there are', async () => {
    const model = shaken(
      new Glow({ family: 'glow', imageShape: [4, 4, 1], K: 1, L: 1, hidden: 4, seed: 1 }),
    );
    const data = images('some', 6, [4, 4, 1], 2);
    const [prior, logDet] = (await ofModel(flowParts({ model, checksum: 'x' }, 3)).of(
      data,
      [2, 5],
    )) as [Float32Array, Float32Array];
    const expected = model
      .logLikelihood(pixels(data, [0, 2, 5]), model.noise([0, 2, 5], 3))
      .dataSync();
    [2, 5].forEach((_, k) => {
      assert.ok(
        Math.abs((prior[k] as number) + (logDet[k] as number) - (expected[k + 1] as number)) < 1e-3,
      );
    });
    assert.ok(Math.abs((prior[0] as number) - (prior[1] as number)) > 1e-3);
  });

  it('split a VAE’s objective: divergence and distortion add up to it, and the divergence is cross-entropy minus entropy', async () => {
    const model = shaken(
      new Vae({ family: 'vae', imageShape: [8, 8, 1], channels: [4, 8], latent: 3, seed: 2 }),
    );
    const data = images('some', 7, [8, 8, 1], 4);
    const indices = [0, 1, 2, 3, 4, 5, 6];
    const [crossEntropy, entropy, divergence, distortion] = (await ofModel(
      posteriorParts({ model, checksum: 'none' }, 5),
    ).of(data, indices)) as [
      ArrayLike<number>,
      ArrayLike<number>,
      ArrayLike<number>,
      ArrayLike<number>,
    ];
    const [x, noise] = [pixels(data, indices), model.noise(indices, 5)];
    const objective = model.logLikelihood(x, noise).dataSync();
    const { mu, logs } = model.encode(x);
    const [means, deviations] = [mu.dataSync(), logs.dataSync()];
    const pixelError = tf
      .sum(tf.square(tf.div(tf.sub(x, model.reconstruct(x, noise)), 256)), [1, 2, 3])
      .dataSync();
    const latents = (n: number, of: (m: number, s: number) => number) =>
      [0, 1, 2].reduce(
        (sum, k) => sum + of(means[3 * n + k] as number, deviations[3 * n + k] as number),
        0,
      );
    for (const n of indices) {
      const near = (value: number | undefined, expected: number, what: string) =>
        assert.ok(
          Math.abs((value as number) - expected) < 1e-4,
          `${what} of image ${n}: ${value} instead of ${expected}`,
        );
      near(
        crossEntropy[n],
        latents(n, (m, s) => 0.5 * (m * m + Math.exp(2 * s) + Math.log(2 * Math.PI))),
        'cross-entropy',
      );
      near(
        entropy[n],
        latents(n, (_, s) => s + 0.5 * Math.log(2 * Math.PI * Math.E)),
        'entropy',
      );
      near(
        divergence[n],
        latents(n, (m, s) => 0.5 * (m * m + Math.exp(2 * s) - 1) - s),
        'divergence',
      );
      near(distortion[n], pixelError[n] as number, 'distortion');
      near(
        -(divergence[n] as number) - (distortion[n] as number),
        objective[n] as number,
        'objective',
      );
    }
    const [alone] = await ofModel(posteriorParts({ model, checksum: 'none' }, 5)).of(data, [4]);
    assert.ok(Math.abs((alone?.[0] as number) - (crossEntropy[4] as number)) < 1e-5);
  });

  it('give the mean size of the noise that a diffusion model predicts in an image without added noise', async () => {
    const model = shaken(
      new Diffusion({
        family: 'diffusion',
        imageShape: [8, 8, 1],
        dim: 8,
        dimMults: [1, 2],
        timesteps: 12,
        timestep: 0,
        seed: 1,
      }),
    );
    assert.deepEqual(timestepsOf(1000), [0, 1, 3, 7, 15, 31, 63, 127, 255, 511]);
    const statistic = ofModel(scoreNorms({ model, checksum: 'x' }));
    assert.deepEqual(
      statistic.columns.map(({ layer }) => layer),
      ['t=0', 't=1', 't=3', 't=7'],
    );
    const data = images('some', 3, [8, 8, 1], 2);
    const found = await statistic.of(data, [0, 2]);
    const t = 7;
    const share = model.schedule.signal[t] as number;
    const scaled = tf.mul(tf.sub(tf.div(pixels(data, [0, 2]), 127.5), 1), Math.sqrt(share));
    const network = (
      model as unknown as { denoiser(): (x: tf.Tensor, t: number) => tf.Tensor }
    ).denoiser();
    const expected = tf.mean(tf.abs(network(scaled, t)), [1, 2, 3]).dataSync();
    Array.from(found[3] as Float32Array).forEach((value, k) => {
      assert.ok(
        value > 0 && Math.abs(value / (expected[k] as number) - 1) < 1e-4,
        `${value} and ${expected[k]}`,
      );
    });
    assert.notDeepEqual(found[0], found[3]);
  });

  it('of scores are the same for few images, one by one, and for many, by a graph', async () => {
    const config = {
      family: 'diffusion',
      imageShape: [8, 8, 1],
      dim: 8,
      dimMults: [1],
      timesteps: 10,
      timestep: 0,
      seed: 1,
    } as const;
    const model = shaken(new Diffusion(config));
    const data = images('many', 200, [8, 8, 1], 2);
    const indices = Array.from({ length: 60 }, (_, k) => 3 * k);
    const few = await ofModel(scoreNorms({ model, checksum: 'x' })).of(
      { ...data, count: 199, images: data.images.subarray(0, 199 * 64) },
      indices,
    );
    const many = await ofModel(scoreNorms({ model, checksum: 'x' })).of(data, indices);
    many.forEach((column, t) => {
      Array.from(column).forEach((value, k) => {
        const expected = few[t]?.[k] as number;
        assert.ok(Math.abs(value / expected - 1) < 1e-4, `${t}, ${k}: ${value} and ${expected}`);
      });
    });
    disposeModel(model);
  });
});

describe('likelihood regret', () => {
  const SHAPE = [8, 8, 1] as const;
  const model = () =>
    grown(new Vae({ family: 'vae', imageShape: SHAPE, channels: [4, 6], latent: 3, seed: 2 }), 0.4);

  it('is what a search gains over the encoder: at least most of the gain of sixty random posteriors, each image by itself', async () => {
    const vae = model();
    const data = images('some', 4, SHAPE, 6);
    const all = (
      await ofModel(likelihoodRegret({ model: vae, checksum: 'x' }, 5)).of(data, [0, 1, 2, 3])
    )[0] as Float32Array;
    const alone = (
      await ofModel(likelihoodRegret({ model: vae, checksum: 'x' }, 5)).of(data, [2])
    )[0] as Float32Array;
    assert.ok(
      Math.abs((alone[0] as number) - (all[2] as number)) <
        1e-3 * Math.max(1, Math.abs(all[2] as number)),
    );
    const { mu, logs } = vae.encode(pixels(data, [0, 1, 2, 3]));
    const bound = (m: ArrayLike<number>, s: ArrayLike<number>, image: number): number => {
      let sum = 0;
      for (let draw = 0; draw < 8; draw++) {
        const eps = noiseByIndex('normal', deriveSeed(5, 50 + draw), [image], 3);
        const z = Array.from(
          { length: 3 },
          (_, d) => (m[d] as number) + Math.exp(s[d] as number) * (eps[d] as number),
        );
        const decoded = vae.decode(tf.tensor2d([z])).dataSync() as Float32Array;
        const kl = z.reduce(
          (total, _, d) =>
            total +
            (((m[d] as number) ** 2 + Math.exp(2 * (s[d] as number)) - 1) / 2 - (s[d] as number)),
          0,
        );
        const error = decoded.reduce(
          (total, value, at) =>
            total + ((value - (data.images[image * 64 + at] as number)) / 256) ** 2,
          0,
        );
        sum -= (error + kl) / 8;
      }
      return sum;
    };
    for (const image of [0, 3]) {
      const [m, s] = [mu, logs].map((tensor) =>
        tensor.dataSync().slice(3 * image, 3 * image + 3),
      ) as [Float32Array, Float32Array];
      const start = bound(m, s, image);
      let best = 0;
      for (let k = 0; k < 60; k++) {
        const shift = (at: number) => 2 * uniformAt(deriveSeed(9, k), at) - 1;
        best = Math.max(
          best,
          bound(
            m.map((value, d) => value + shift(d)),
            s.map((value, d) => value + shift(3 + d)),
            image,
          ) - start,
        );
      }
      assert.ok(
        (all[image] as number) > 0.8 * best - 0.01,
        `regret ${all[image]}, found by luck ${best}`,
      );
    }
  });

  it('leaves no tensor behind', () => {
    const vae = model();
    const given = pixels(images('some', 2, SHAPE, 6), [0, 1]);
    regrets(vae, given, [0, 1], 1).dispose();
    const before = tf.memory().numTensors;
    regrets(vae, given, [0, 1], 1).dispose();
    assert.equal(tf.memory().numTensors, before);
  });
});
