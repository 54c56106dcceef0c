import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import { layerSize } from '../../src/gradients/layer';
import { createModel, preset } from '../../src/models/families';
import type { PRESETS } from '../../src/models/family';
import type { ImageShape } from '../../src/models/model';

const FAMILIES = ['glow', 'diffusion', 'vae'] as const;

/** Number of tensors and of parameters; the model is freed. */
function sizes(
  family: (typeof FAMILIES)[number],
  name: (typeof PRESETS)[number],
  shape: ImageShape,
): [number, number] {
  const model = createModel(preset(family, name, shape, 1));
  const result: [number, number] = [
    model.layers.length,
    model.layers.reduce((sum, layer) => sum + layerSize(layer), 0),
  ];
  tf.dispose([...model.layers, ...model.buffers].map((layer) => layer.variable));
  return result;
}

describe('presets', () => {
  before(() => startBackend());

  it("have the paper's numbers of tensors and parameters", () => {
    assert.deepEqual(sizes('diffusion', 'paper', [32, 32, 3]), [276, 9_194_563]);
    assert.deepEqual(sizes('vae', 'paper', [32, 32, 3]), [48, 3_247_843]);
  });

  it('of the small size take at most 6 MiB of float32', () => {
    for (const family of FAMILIES) {
      const [, parameters] = sizes(family, 'small', [32, 32, 3]);
      assert.ok(4 * parameters <= 6 * 2 ** 20, `${family}: ${parameters} parameters`);
    }
  });

  it('make models of images of any even size, grey or colour', () => {
    for (const family of FAMILIES) {
      for (const shape of [
        [28, 28, 1],
        [16, 48, 3],
        [6, 4, 2],
      ] as const) {
        const model = createModel(preset(family, 'small', shape, 1));
        const images = tf.fill([2, ...shape], 100);
        const noise = model.noise([0, 1], 1);
        const values = model.logLikelihood(images, noise);
        assert.deepEqual(values.shape, [2]);
        assert.ok(values.dataSync().every(Number.isFinite), `${family} ${shape}`);
        tf.dispose([
          images,
          noise,
          values,
          ...[...model.layers, ...model.buffers].map((layer) => layer.variable),
        ]);
      }
    }
  });

  it('say so if an image cannot be halved', () => {
    assert.throws(() => preset('vae', 'small', [27, 28, 1], 1), /27x28 cannot be halved; pad them/);
  });
});
