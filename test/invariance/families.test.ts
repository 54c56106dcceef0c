import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import * as maps from '../../src/invariance/index';
import { createModel, type ModelConfig } from '../../src/models/families';
import type { ImageShape } from '../../src/models/model';
import { uniforms } from '../../src/numerics/random';
import { shake } from '../models/finite-differences';
import { looking } from '../support/looking';

const imageShape: ImageShape = [8, 8, 3];
const configs: ModelConfig[] = [
  { family: 'glow', imageShape, K: 2, L: 2, hidden: 8, seed: 5 },
  { family: 'vae', imageShape, channels: [4], latent: 3, seed: 5 },
  { family: 'diffusion', imageShape, dim: 16, dimMults: [1], timesteps: 4, timestep: 0, seed: 5 },
];
const { affine, cielab, compose, gamma, hsl, hsv, logit, orthogonal, spaceToDepth, ycbcr } = maps;
const everyMap = [
  ...[
    hsv,
    hsl,
    ycbcr,
    cielab,
    logit(),
    gamma(2.2),
    affine(-1, 1),
    orthogonal(imageShape, 1),
    spaceToDepth(imageShape),
  ],
  compose(hsv, logit(0.01), orthogonal(imageShape, 1)),
];

describe('Proposition 1 for each family of models', () => {
  before(startBackend);

  for (const config of configs) {
    it(`${config.family}: gradients of every tensor are the same through all ten representations, to 1e-4`, () => {
      const model = createModel(config);
      shake(model.layers, 100, 0.1);
      tf.tidy(() => {
        const images = tf.tensor4d(
          uniforms(1, 2 * 192)
            .map(Math.fround)
            .map((u) => Math.floor(256 * u)),
          [2, ...imageShape],
        );
        const pass = (T: maps.Representation) => {
          const seen = maps.represent(model, T, { lattice: true });
          return {
            model: seen,
            images: seen.points(images, [0, 1], 9),
            noise: seen.noise([0, 1], 9),
          };
        };
        // Gradients of nothing would be the same through anything. One is nothing: the weights that
        // a map of zeros meets.
        const plain = pass(compose());
        const none: string[] = [];
        plain.model
          .gradients(
            plain.images,
            plain.noise,
            looking(({ name }, gradient) => {
              if (
                gradient
                  .squaredNorms(1)
                  .dataSync()
                  .some((norm) => !(norm > 1e-10))
              )
                none.push(name);
            }),
          )
          .dispose();
        assert.deepEqual(none, config.family === 'glow' ? ['learn_top_fn.conv.weight'] : []);
        maps.compareGradients(plain, ...everyMap.map(pass)).forEach((differences, k) => {
          assert.equal(differences.length, model.layers.length);
          for (const { layer, relative } of differences)
            assert.ok(relative <= 1e-4, `${everyMap[k]?.name}, ${layer.name}: ${relative}`);
        });
      });
    });
  }
});
