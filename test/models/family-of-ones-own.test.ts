import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startBackend, tf } from '../../src/backend/start';
import { pixels } from '../../src/data/batches';
import { dataset } from '../../src/data/dataset';
import { modelCard } from '../../src/experiments/model-cards';
import { modelFigures } from '../../src/experiments/model-figures';
import { COSTLY, modelResults } from '../../src/experiments/paper-tables';
import { extractTables } from '../../src/features/extract';
import { gamma } from '../../src/invariance/elementwise';
import { represent } from '../../src/invariance/represent';
import { disposeModel, type LoadedModel, loadModel } from '../../src/models/checkpoint';
import { createModel, preset, registerFamily } from '../../src/models/families';
import type { Family } from '../../src/models/family';
import { uniforms } from '../../src/numerics/random';
import { evaluate } from '../../src/training/held-out-loss';
import { runOf } from '../../src/training/run-config';
import { run } from '../../src/training/run-folder';
import { looking } from '../support/looking';
import { fakeMnist } from '../training/fixtures/set';
import { disagreements } from './finite-differences';
import { REAL_NVP, RealNvp } from './real-nvp';

/** A family that lies in one file of the tests goes through the whole house. */
describe('your own family, RealNVP', () => {
  let folder: string;
  let dataBefore: string | undefined;
  let loaded: LoadedModel;
  before(async () => {
    await startBackend();
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-family-'));
    fakeMnist(folder);
    dataBefore = process.env.FISHERLAB_DATA;
    process.env.FISHERLAB_DATA = folder;
    registerFamily(REAL_NVP);
  });
  after(() => {
    disposeModel(loaded.model);
    if (dataBefore === undefined) delete process.env.FISHERLAB_DATA;
    else process.env.FISHERLAB_DATA = dataBefore;
    rmSync(folder, { recursive: true, force: true });
  });

  const small = () =>
    createModel({ ...preset('real-nvp', 'small', [4, 6, 2], 3), couplings: 3 }) as RealNvp;
  const inputs = (model: RealNvp) => {
    const [h, w, c] = model.imageShape;
    const values = uniforms(5, 2 * h * w * c).map((u) => Math.floor(256 * u));
    return { images: tf.tensor4d(values, [2, h, w, c]), noise: model.noise([0, 1], 7) };
  };

  it('is a flow: its latents lead back to the images, and its gradients are the slopes of log p', () => {
    const model = small();
    const { images, noise } = inputs(model);
    tf.tidy(() => {
      const back = model.inverse(model.latents(images, noise)[0] as tf.Tensor);
      const error = tf.max(tf.abs(tf.sub(back, tf.add(images, noise)))).dataSync()[0] as number;
      assert.ok(error < 1e-3, `${error}`);
    });
    const wrong = disagreements({
      layers: model.layers,
      value: () => tf.tidy(() => model.logLikelihood(images, noise).dataSync() as Float32Array),
      gradients: (visitor) => model.gradients(images, noise, visitor).dispose(),
      // In float32 a log p of 300 nats is known to 3e-5, which a shorter step would show.
      step: 1e-2,
    });
    assert.deepEqual(wrong, []);
    tf.dispose([images, noise]);
    disposeModel(model);
  });

  it('has its configuration checked, and the paper’s families keep their names', () => {
    const config = preset('real-nvp', 'small', [4, 4, 1], 1);
    assert.throws(
      () => createModel({ ...config, couplings: 0 }),
      /'couplings' of a real-nvp model is 0; give a whole number from 1 on/,
    );
    assert.throws(
      () => createModel({ ...config, K: 1 }),
      /'K' is nothing of a real-nvp model; .* holds imageShape, couplings, hidden, seed/,
    );
    assert.throws(
      () => registerFamily({ ...(REAL_NVP as Family), name: 'glow' }),
      /a family 'glow' comes with fisherlab; give yours another name/,
    );
  });

  it('is trained and saved, and loaded as it was', async () => {
    const config = runOf('real-nvp', 'mnist', 1, { seed: 3, steps: 6, batch: 10, held: 10 });
    const out = path.join(folder, 'run');
    const header = await run(out, config, false, { progress: () => {} });
    assert.equal(config.training.learningRate, REAL_NVP.training.learningRate);
    loaded = loadModel(path.join(out, 'model.safetensors'));
    assert.ok(loaded.model instanceof RealNvp);
    assert.deepEqual(loaded.header, JSON.parse(JSON.stringify(header)));
    assert.equal(loaded.header.config.couplings, 2);
    const losses = loaded.header.curve.map(({ validation }) => validation);
    assert.ok((losses.at(-1) as number) < (losses[0] as number), `${losses}`);
    // Half precision is what sets the file apart from the weights that were evaluated.
    const test = await dataset('mnist', 'test');
    const bits = evaluate(loaded.model, test, [...Array(test.count).keys()], 3);
    assert.ok(Math.abs(bits - (header?.test as number)) < 1e-3, `${bits} and ${header?.test}`);
  });

  it('gives features: log p and squared norms of the gradients of every layer', async () => {
    const data = await dataset('mnist', 'test', { limit: 6 });
    const [table] = await extractTables(loaded.model, data, { batchSizes: [1], seed: 4 });
    const columns = table?.columns ?? [];
    assert.equal(columns.length, 1 + loaded.model.layers.length);
    const indices = [0, 1, 2, 3, 4, 5];
    const [images, noise] = [pixels(data, indices), loaded.model.noise(indices, 4)];
    loaded.model
      .gradients(
        images,
        noise,
        looking((layer, factors) => {
          const found = columns.find((column) => column.layer === layer.name)?.values ?? [];
          const rows = tf.tidy(() => factors.instantiate(1).dataSync() as Float32Array);
          indices.forEach((image) => {
            const gradient = rows.slice(image * layer.variable.size).slice(0, layer.variable.size);
            const norm = gradient.reduce((total, value) => total + value ** 2, 0);
            const error = Math.abs((found[image] as number) / norm - 1);
            assert.ok(error < 1e-4, `${layer.name}, image ${image}: ${found[image]} and ${norm}`);
          });
        }),
      )
      .dispose();
    tf.dispose([images, noise]);
  });

  it('has bits/dim on its card, figures, and another representation', async () => {
    const card = await modelCard(loaded, 1);
    assert.equal(card.bitsPerDim, loaded.header.test);
    assert.deepEqual(
      [card.how, card.literature, card.tensors, card.steps],
      ['all test images', null, 8, 6],
    );
    const figures = await modelFigures(loaded);
    assert.deepEqual(
      figures.map(([name]) => name),
      ['curve', 'samples', 'latents'],
    );
    const latents = figures.find(([name]) => name === 'latents')?.[1];
    assert.match(JSON.stringify(latents?.layout.title), /Latents of the RealNVP/);
    // Its noise is dequantisation, which the points of a representation hold already.
    const seen = represent(loaded.model, gamma(2.2));
    const noise = seen.noise([0, 1], 5);
    assert.equal(
      tf.tidy(() => tf.max(tf.abs(noise)).dataSync()[0]),
      0,
    );
    noise.dispose();
  });

  it('goes through the tables as the paper’s families do', async () => {
    const { rows, family, without } = await modelResults(loaded, {
      batchSizes: [1],
      seed: 1,
      protocol: 'halves',
      limit: 20,
      sets: ['mnist', 'fashion_mnist'],
      skip: COSTLY,
      cache: folder,
    });
    assert.equal(family, 'real-nvp');
    for (const method of [
      'likelihood',
      'typicality',
      'layer-wise gradients',
      'DoSE',
      'input complexity',
    ]) {
      const row = rows.find((one) => one.method === method);
      assert.ok(
        row !== undefined,
        `${method}: ${without.find((one) => one.method === method)?.why}`,
      );
      assert.deepEqual(
        [row.in, row.out, row.inCount, row.outCount],
        ['mnist', 'fashion_mnist', 10, 20],
      );
    }
  });
});
