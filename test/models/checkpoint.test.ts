import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startBackend, tf } from '../../src/backend/start';
import {
  disposeModel,
  loadModel,
  modelTensors,
  saveCheckpoint,
  setTensors,
  shippedBackgroundOf,
  shippedHeader,
  shippedModels,
} from '../../src/models/checkpoint';
import { createModel } from '../../src/models/families';
import type { ModelConfig } from '../../src/models/family';
import { type CheckpointHeader, isBackground } from '../../src/models/header';
import type { TapedModel } from '../../src/models/model';
import { readSafetensors, writeSafetensors } from '../../src/models/safetensors';
import { shake } from './finite-differences';

const CONFIGS: readonly ModelConfig[] = [
  { family: 'glow', imageShape: [8, 8, 1], K: 1, L: 2, hidden: 4, seed: 1 },
  {
    family: 'diffusion',
    imageShape: [8, 8, 1],
    dim: 8,
    dimMults: [1, 2],
    timesteps: 10,
    timestep: 0,
    seed: 1,
  },
  { family: 'vae', imageShape: [8, 8, 1], channels: [4, 6], latent: 3, seed: 1 },
];

const header = (config: ModelConfig): CheckpointHeader => ({
  config,
  data: { name: 'mnist', images: 3, validation: 2 },
  training: { batch: 8 },
  unit: 'bits/dim',
  step: 17,
  validation: 4.5,
  curve: [{ step: 17, training: 4, validation: 4.5 }],
  commit: 'abc',
});

function likelihoods(model: TapedModel): number[] {
  return tf.tidy(() => {
    const [h, w, c] = model.imageShape;
    const images = tf.tensor4d(
      Float32Array.from({ length: 3 * h * w * c }, (_, k) => (37 * k) % 256),
      [3, h, w, c],
    );
    return Array.from(model.logLikelihood(images, model.noise([0, 1, 2], 5)).dataSync());
  });
}

describe('a checkpoint', () => {
  let folder: string;
  before(async () => {
    await startBackend();
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-checkpoint-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const file = (name: string) => path.join(folder, `${name}.safetensors`);

  for (const config of CONFIGS) {
    it(`of a ${config.family} gives back the same likelihood, header and checksum, and leaks no tensors`, async () => {
      const model = createModel(config);
      shake(
        [...model.layers, ...model.buffers.filter(({ name }) => name.endsWith('running_mean'))],
        3,
        0.1,
      );
      await saveCheckpoint(file(config.family), model, header(config));
      const expected = likelihoods(model);
      disposeModel(model);
      const before = tf.memory().numTensors;
      const loaded = loadModel(file(config.family));
      assert.deepEqual(likelihoods(loaded.model), expected);
      assert.deepEqual(loaded.header, header(config));
      assert.equal(loaded.name, config.family);
      await saveCheckpoint(file('again'), loaded.model, loaded.header);
      assert.equal(readSafetensors(file('again')).checksum, loaded.checksum);
      await saveCheckpoint(file('again'), loaded.model, { ...loaded.header, step: 18 });
      assert.notEqual(readSafetensors(file('again')).checksum, loaded.checksum);
      disposeModel(loaded.model);
      assert.equal(tf.memory().numTensors, before);
    });
  }

  it('in half precision keeps 11 bits of the parameters and all of the buffers', async () => {
    const model = createModel(CONFIGS[2] as ModelConfig);
    const counter = model.buffers.find(({ name }) => name.endsWith('num_batches_tracked'));
    counter?.variable.assign(tf.tensor1d([100_001])); // more than half precision holds
    await saveCheckpoint(file('half'), model, header(CONFIGS[2] as ModelConfig), true);
    const { tensors } = readSafetensors(file('half'));
    for (const { name, values } of modelTensors(model)) {
      const read = tensors.get(name)?.values ?? [];
      const buffer = model.buffers.some((layer) => layer.name === name);
      values.forEach((value, k) => {
        const error = Math.abs((read[k] as number) - value);
        assert.ok(
          buffer ? error === 0 : error <= 2 ** -11 * Math.abs(value) + 2 ** -25,
          `${name}[${k}]: ${value} became ${read[k]}`,
        );
      });
    }
    disposeModel(model);
  });

  it('of another architecture is refused, naming the tensors that differ, and nothing changes', async () => {
    const small = createModel(CONFIGS[0] as ModelConfig);
    const wide = createModel({ ...CONFIGS[0], hidden: 6 } as ModelConfig);
    await saveCheckpoint(file('wide'), wide, header(CONFIGS[0] as ModelConfig));
    const before = tf.memory().numTensors;
    assert.throws(
      () => loadModel(file('wide')),
      /does not fit this glow model: flow\.layers\.1\.block\.0\.conv\.weight is \[6, 2, 3, 3\], not \[4, 2, 3, 3\]; .*and \d+ more; load it with/,
    );
    assert.equal(tf.memory().numTensors, before, 'the model that was begun is freed');
    const tensors = new Map(readSafetensors(file('glow')).tensors);
    const [name, first] = [...tensors][0] as [string, NonNullable<ReturnType<typeof tensors.get>>];
    const weights = modelTensors(small).map(({ values }) => values.slice());
    const refused = (change: () => void, says: RegExp) => {
      change();
      assert.throws(() => setTensors(small, tensors, 'it'), says);
      assert.deepEqual(
        modelTensors(small).map(({ values }) => values),
        weights,
      );
    };
    refused(() => tensors.delete(name), /flow\.layers\.1\.actnorm\.bias is missing/);
    refused(
      () => tensors.set(name, { ...first, values: first.values.map(() => Number.NaN) }),
      /flow\.layers\.1\.actnorm\.bias holds numbers that are not finite/,
    );
    refused(() => {
      tensors.set(name, first);
      tensors.set('more', { ...first, name: 'more' });
    }, /more is not of this model/);
    tensors.delete('more');
    const square = tensors.get('flow.layers.1.block.0.conv.weight');
    refused(
      () =>
        tensors.set('flow.layers.1.block.0.conv.weight', {
          ...square,
          shape: [2, 4, 3, 3],
        } as typeof first),
      /conv\.weight is \[2, 4, 3, 3\], not \[4, 2, 3, 3\]/,
    );
    for (const model of [small, wide]) disposeModel(model);
  });

  it('that describes a larger model than its file has is refused before the model is made', async () => {
    const larger = /describes a larger model than the \d+ tensors of \d+ numbers in it; restore/;
    for (const [k, change, says] of [
      [0, { K: 1e9 }, larger],
      [0, { K: Number.MAX_SAFE_INTEGER }, larger],
      [0, { hidden: 1e9 }, larger],
      [0, { imageShape: [8, 8, 1e9] }, larger],
      [0, { imageShape: [8, 8, 50] }, larger],
      [1, { dim: 8e8 }, larger],
      [1, { dimMults: [1, 1e9] }, larger],
      [1, { timesteps: 1e9 }, /'timesteps' .* is 1000000000; give a whole number from 1 to 100000/],
      [2, { channels: [4, 1e9] }, larger],
      [2, { latent: 1e9 }, larger],
      [2, { imageShape: [1 << 20, 1 << 20, 1] }, larger],
    ] as const) {
      const config = CONFIGS[k] as ModelConfig;
      const model = createModel(config);
      await saveCheckpoint(file('larger'), model, header({ ...config, ...change }));
      disposeModel(model);
      const before = tf.memory().numTensors;
      assert.throws(() => loadModel(file('larger')), says, JSON.stringify(change));
      assert.equal(tf.memory().numTensors, before, JSON.stringify(change));
    }
  });

  it('of a background model says so, and is found by family and set, not by its name', () => {
    const names = shippedModels();
    const background = names.filter((name) => isBackground(shippedHeader(name)));
    assert.deepEqual(
      background,
      names.filter((name) => name.includes('-background-')),
    );
    for (const name of ['glow-cifar10', 'glow-mnist'])
      assert.equal(
        shippedBackgroundOf(shippedHeader(name)),
        name.replace('glow-', 'glow-background-'),
      );
    for (const name of ['vae-cifar10', 'glow-background-cifar10'])
      assert.equal(shippedBackgroundOf(shippedHeader(name)), undefined);
  });

  it('that is unknown, not a checkpoint, or damaged is reported by name', async () => {
    for (const name of shippedModels())
      assert.throws(() => loadModel('glow-nothing'), new RegExp(`choose one of .*${name}.*path`));
    assert.throws(
      () => loadModel('glow-nothing'),
      /model 'glow-nothing' is not known; choose one of .*, or give the path/,
    );
    await writeSafetensors(file('plain'), [], {});
    assert.throws(
      () => loadModel(file('plain')),
      /does not say which architecture it is; .*fisherlab import/,
    );
    const described = async (name: string, description: object) => {
      await writeSafetensors(file(name), [], { fisherlab: JSON.stringify(description) });
      return () => loadModel(file(name));
    };
    const whole = header(CONFIGS[0] as ModelConfig);
    for (const [name, change, says] of [
      ['config', { config: 3 }, "'config' is 3, not an object"],
      ['data', { data: 3 }, "'data' is 3, not an object"],
      ['unit', { unit: 3 }, "'unit' is 3, not text"],
      ['curve', { curve: 3 }, "'curve' is 3, not a list"],
      ['family', { config: { K: 1 } }, "'config.family' is missing"],
      ['point', { curve: [{ step: 1, training: '4' }] }, `'curve.0.training' is "4", not a number`],
      ['step', { step: -1 }, "'step' is -1, not >=0"],
    ] as const) {
      const where = `the description of the model in '${file(name)}'`;
      assert.throws(await described(name, { ...whole, ...change }), {
        message: `${where} is damaged: ${says}; restore the file from where it came from`,
      });
    }
    const family = await described('family', { ...whole, config: { family: 'gan' } });
    assert.throws(family, /model family 'gan' is not known; choose one of glow, diffusion, vae/);
    writeFileSync(file('cut'), readFileSync(file('glow')));
    truncateSync(file('cut'), 3000);
    assert.throws(() => loadModel(file('cut')), /'.*cut\.safetensors' is damaged/);
  });
});
