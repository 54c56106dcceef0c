import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/index';
import { uniforms } from '../../src/backend/random';
import { setLayer } from '../../src/gradients/layer';
import * as maps from '../../src/invariance/index';
import { createModel, type ModelConfig } from '../../src/models/families';
import type { ImageShape } from '../../src/models/model';

const imageShape: ImageShape = [8, 8, 3];
const configs: ModelConfig[] = [
  { family: 'glow', imageShape, K: 2, L: 2, hidden: 8, seed: 5 },
  { family: 'vae', imageShape, channels: [4], latent: 3, seed: 5 },
  { family: 'diffusion', imageShape, dim: 8, dimMults: [1], timesteps: 4, timestep: 0, seed: 5 },
];
const { affine, cielab, compose, gamma, hsl, hsv, logit, orthogonal, spaceToDepth, ycbcr } = maps;
const everyMap = [
  ...[hsv, hsl, ycbcr, cielab, logit(), gamma(2.2), affine(-1, 1), orthogonal(imageShape, 1), spaceToDepth(imageShape)],
  compose(hsv, logit(0.01), orthogonal(imageShape, 1)),
];

describe('Proposition 1 for each family of models', () => {
  before(startBackend);

  for (const config of configs) {
    it(`${config.family}: gradients of every tensor are the same through all ten representations, to 1e-4`, () => {
      const model = createModel(config);
      model.layers.forEach((layer, k) => {
        const weights = uniforms(100 + k, layer.variable.size).map((u) => 0.1 * (2 * u - 1));
        setLayer(layer, weights);
      });
      tf.tidy(() => {
        const images = tf.tensor4d(
          uniforms(1, 2 * 192)
            .map(Math.fround)
            .map((u) => Math.floor(256 * u)),
          [2, ...imageShape],
        );
        const pass = (T: maps.Representation) => {
          const seen = maps.represent(model, T, { lattice: true });
          return { model: seen, images: seen.points(images, [0, 1], 9), noise: seen.noise([0, 1], 9) };
        };
        for (const T of everyMap) {
          const differences = maps.compareGradients(pass(compose()), pass(T));
          assert.equal(differences.length, model.layers.length);
          for (const { layer, relative } of differences) assert.ok(relative <= 1e-4, `${T.name}, ${layer.name}: ${relative}`);
        }
      });
    });
  }
});
