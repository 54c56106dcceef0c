import assert from 'node:assert/strict';
import { PNG } from 'pngjs';
import { startBackend, tf } from '../../src/backend/start';
import {
  latentsFigure,
  reconstructionsFigure,
  samplesFigure,
  trainingFigures,
} from '../../src/experiments/model-figures';
import { disposeModel } from '../../src/models/checkpoint';
import { createModel } from '../../src/models/families';
import { Glow } from '../../src/models/glow/glow';
import { Vae } from '../../src/models/vae/vae';
import { uniforms } from '../../src/numerics/random';
import type { Figure } from '../../src/plots/figure';

const SHAPE = [8, 8, 1] as const;

/** The red of a pixel of the k-th picture of a sheet, at a share of its height and width. */
function redAt(figure: Figure, k: number, down: number, right: number): number {
  const source = (figure.layout.images as unknown as { source: string }[])[k]?.source as string;
  const png = PNG.sync.read(Buffer.from(source.split(',')[1] as string, 'base64'));
  const [row, column] = [Math.floor(down * png.height), Math.floor(right * png.width)];
  return png.data[4 * (row * png.width + column)] as number;
}

const count = (figure: Figure) => figure.layout.images?.length;
const texts = (figure: Figure) => (figure.layout.annotations ?? []).map(({ text }) => text);

describe('figures of a model', () => {
  before(() => startBackend());

  it('show its samples, of every family', () => {
    for (const config of [
      { family: 'glow', imageShape: SHAPE, K: 1, L: 1, hidden: 2, seed: 1 },
      { family: 'vae', imageShape: SHAPE, channels: [2], latent: 2, seed: 1 },
      {
        family: 'diffusion',
        imageShape: SHAPE,
        dim: 8,
        dimMults: [1],
        timesteps: 4,
        timestep: 0,
        seed: 1,
      },
    ] as const) {
      const model = createModel(config);
      const before = tf.memory().numTensors;
      const figure = samplesFigure(model, 3, 1);
      assert.equal(tf.memory().numTensors, before);
      assert.equal(count(figure), 3);
      if (config.family !== 'diffusion') {
        const pixels = tf.tidy(() => model.sample(3, 1).dataSync());
        assert.equal(redAt(figure, 2, 3.5 / 8, 6.5 / 8), pixels[(2 * 8 + 3) * 8 + 6]);
      }
      disposeModel(model);
    }
  });

  it('show images above their reconstructions', () => {
    const vae = new Vae({ family: 'vae', imageShape: SHAPE, channels: [2], latent: 2, seed: 1 });
    tf.tidy(() => {
      const images = tf.tensor4d(
        uniforms(1, 128).map((u) => Math.floor(256 * u)),
        [2, 8, 8, 1],
      );
      const noise = vae.noise([0, 1], 1);
      const figure = reconstructionsFigure(vae, images, noise);
      assert.equal(count(figure), 4);
      assert.deepEqual(texts(figure), ['image', 'reconstruction']);
      assert.equal(redAt(figure, 1, 0.5 / 8, 7.5 / 8), images.dataSync()[64 + 7]);
      const back = vae.reconstruct(images, noise).dataSync()[64 + 7] as number;
      assert.ok(Math.abs(redAt(figure, 3, 0.5 / 8, 7.5 / 8) - back) <= 0.5 + 1e-3);
    });
    disposeModel(vae);
  });

  it('show images above their latents: the channels of each level as tiles, grey at 0', () => {
    const glow = new Glow({ family: 'glow', imageShape: SHAPE, K: 1, L: 2, hidden: 2, seed: 1 });
    tf.tidy(() => {
      const images = tf.tensor4d(
        uniforms(1, 128).map((u) => Math.floor(256 * u)),
        [2, 8, 8, 1],
      );
      const noise = glow.noise([0, 1], 1);
      const figure = latentsFigure(glow, images, noise);
      assert.equal(count(figure), 6);
      assert.deepEqual(texts(figure), ['image', 'level 1', 'level 2']);
      assert.equal(redAt(figure, 1, 2.5 / 8, 5.5 / 8), images.dataSync()[64 + 8 * 2 + 5]);
      const z = glow.latents(images, noise)[1] as tf.Tensor; // [2, 2, 2, 8], tiled 3 x 3
      const { mean, variance } = tf.moments(z);
      // Channel 5 lies in tile (1, 2); its position (0, 1) is at row 0 and column 1 of it.
      const value =
        (z.dataSync()[((1 * 2 + 0) * 2 + 1) * 8 + 5] as number) - (mean.dataSync()[0] as number);
      const grey = Math.min(
        255,
        Math.max(0, 127.5 + (42.5 * value) / Math.sqrt(variance.dataSync()[0] as number)),
      );
      assert.ok(
        Math.abs(redAt(figure, 5, 2.5 / 6, 5.5 / 6) - grey) <= 1,
        `${redAt(figure, 5, 2.5 / 6, 5.5 / 6)} and ${grey}`,
      );
      assert.equal(redAt(figure, 5, 5.5 / 6, 5.5 / 6), 255, 'the ninth tile has no channel');
    });
    disposeModel(glow);
  });

  it('show the training curve of a checkpoint in its unit and in bits/dim, or nothing if there is none', () => {
    const curve = [
      { step: 10, training: 5, validation: 6 },
      { step: 20, training: 3, validation: 4, bitsPerDim: 7 },
    ];
    const drawn = (unit: string) =>
      trainingFigures({ curve, unit }).map(([name, { data, layout }]) => {
        const label = layout.yaxis?.title as { text: string };
        return [
          name,
          label.text,
          data.map((trace) => [Array.from(trace.x as number[]), Array.from(trace.y as number[])]),
        ];
      });
    const steps = [10, 20];
    const losses = (unit: string) => [
      'curve',
      unit,
      [
        [steps, [5, 3]],
        [steps, [6, 4]],
      ],
    ];
    assert.deepEqual(drawn('bits/dim'), [losses('bits/dim')]);
    assert.deepEqual(drawn('squared error'), [
      losses('squared error'),
      ['bits-per-dim', 'bits/dim', [[[20], [7]]]],
    ]);
    assert.deepEqual(trainingFigures({ curve: [], unit: 'bits/dim' }), []);
  });
});
