import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import { FisherlabError } from '../../src/errors';
import { createModel } from '../../src/models/families';
import type { ModelConfig } from '../../src/models/family';

const GLOW = { family: 'glow', imageShape: [8, 8, 1], K: 1, L: 2, hidden: 4, seed: 1 };
const DIFFUSION = {
  family: 'diffusion',
  imageShape: [8, 8, 1],
  dim: 8,
  dimMults: [1, 2],
  timesteps: 10,
  timestep: 0,
  seed: 1,
};
const VAE = { family: 'vae', imageShape: [8, 8, 1], channels: [4, 6], latent: 3, seed: 1 };

describe('the configuration of a model', () => {
  before(() => startBackend());

  it('that is invalid is reported in one line that names the entry, and no tensor is made', () => {
    const { latent: _, ...lacking } = VAE;
    const before = tf.memory().numTensors;
    for (const [config, says] of [
      [
        { ...VAE, family: 'gan' },
        "model family 'gan' is not known; choose one of glow, diffusion, vae",
      ],
      [lacking, "'latent' of a vae model is missing; give a whole number from 1 on"],
      [
        { ...VAE, latnt: 3 },
        "'latnt' is nothing of a vae model; its configuration holds imageShape, channels, latent, seed",
      ],
      [
        { ...VAE, channels: 'abc' },
        `'channels' of a vae model is "abc"; give a list of whole numbers from 1 on`,
      ],
      [
        { ...VAE, channels: [] },
        "'channels' of a vae model is []; give a list of whole numbers from 1 on",
      ],
      [{ ...VAE, latent: -3 }, "'latent' of a vae model is -3; give a whole number from 1 on"],
      [{ ...GLOW, K: 0 }, "'K' of a glow model is 0; give a whole number from 1 on"],
      [{ ...GLOW, hidden: 1.5 }, "'hidden' of a glow model is 1.5; give a whole number from 1 on"],
      [
        { ...GLOW, imageShape: [32, 32] },
        "'imageShape' of a glow model is [32,32]; give height, width and channels",
      ],
      [
        { ...DIFFUSION, dimMults: [1, null] },
        "'dimMults' of a diffusion model is [1,null]; give a list of whole numbers from 1 on",
      ],
      [
        { ...DIFFUSION, timestep: -1 },
        "'timestep' of a diffusion model is -1; give a whole number from 0 on",
      ],
    ] as const) {
      assert.throws(
        () => createModel(config as unknown as ModelConfig),
        (error: Error) => error instanceof FisherlabError && error.message === says,
        says,
      );
    }
    assert.equal(tf.memory().numTensors, before);
  });
});
