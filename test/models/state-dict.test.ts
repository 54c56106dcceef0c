import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startBackend, tf } from '../../src/backend/start';
import { disposeModel, modelTensors } from '../../src/models/checkpoint';
import { createModel } from '../../src/models/families';
import type { ModelConfig } from '../../src/models/family';
import type { TapedModel } from '../../src/models/model';
import {
  decodeSafetensors,
  encodeSafetensors,
  type NamedTensor,
} from '../../src/models/safetensors';
import { setStateDict, stateDict } from '../../src/models/state-dict';
import { uniforms } from '../../src/numerics/random';
import { shake } from './finite-differences';

const GLOW: ModelConfig = { family: 'glow', imageShape: [8, 8, 1], K: 1, L: 2, hidden: 4, seed: 1 };
const VAE: ModelConfig = {
  family: 'vae',
  imageShape: [8, 8, 1],
  channels: [4, 6],
  latent: 3,
  seed: 1,
};
const DIFFUSION: ModelConfig = {
  family: 'diffusion',
  imageShape: [8, 8, 1],
  dim: 8,
  dimMults: [1, 2],
  timesteps: 10,
  timestep: 0,
  seed: 1,
};

const sizeOf = (shape: readonly number[]) => shape.reduce((product, axis) => product * axis, 1);

type Tensors = Map<string, NamedTensor>;
const asMap = (tensors: readonly NamedTensor[], prefix = ''): Tensors =>
  new Map(
    tensors.map((tensor) => [prefix + tensor.name, { ...tensor, name: prefix + tensor.name }]),
  );

/** Two models of one architecture, the first with weights of its own. Both are freed afterwards. */
function pair(config: ModelConfig, check: (from: TapedModel, to: TapedModel) => void): void {
  const [from, to] = [createModel(config), createModel({ ...config, seed: 2 })];
  try {
    shake([...from.layers, ...from.buffers], 3, 0.1);
    check(from, to);
  } finally {
    for (const model of [from, to]) disposeModel(model);
  }
}

function assertSame(a: TapedModel, b: TapedModel): void {
  assert.deepEqual(modelTensors(b), modelTensors(a));
}

describe('a state dictionary', () => {
  before(() => startBackend());

  it("made by the formula of the golden file gives the paper's code's log-likelihood", () => {
    const golden = JSON.parse(
      readFileSync(path.join(__dirname, '../golden/glow-small.json'), 'utf8'),
    ) as {
      seed: number;
      K: number;
      L: number;
      hidden: number;
      objective: number[];
      tensors: { name: string; shape: number[] }[];
    };
    // As PyTorch would write it: names and shapes of the file, numbers of its README, and the
    // buffers p, sign_s and prior_h.
    const tensors: Tensors = new Map();
    const put = (name: string, shape: number[], at: (e: number) => number) =>
      tensors.set(`module.${name}`, {
        name,
        shape,
        values: Float32Array.from({ length: sizeOf(shape) }, (_, e) => at(e)),
      });
    golden.tensors.forEach(({ name, shape }, k) => {
      const numbers = uniforms(1000 * golden.seed + k, sizeOf(shape));
      put(
        name,
        shape,
        (e) => (name.endsWith('weight') ? 0.05 : 0.1) * (2 * (numbers[e] as number) - 1),
      );
      const c = shape[0] as number;
      if (name.endsWith('invconv.upper'))
        put(name.replace('upper', 'p'), shape, (e) =>
          Math.floor(e / c) + (e % c) === c - 1 ? 1 : 0,
        );
      if (name.endsWith('log_s'))
        put(name.replace('log_s', 'sign_s'), shape, (e) => (e % 2 === 0 ? 1 : -1));
    });
    put('prior_h', [1, 96, 4, 4], () => 0);
    const file = Buffer.from(
      encodeSafetensors(
        [...tensors].map(([name, tensor]) => ({ ...tensor, name })),
        { format: 'pt' },
      ),
    );
    const { seed, K, L, hidden } = golden;
    const model = createModel({ family: 'glow', imageShape: [32, 32, 3], K, L, hidden, seed: 77 });
    const report = setStateDict(model, decodeSafetensors(file, 'x').tensors, 'x');
    assert.deepEqual(report, { prefix: 'module.', leftOut: ['module.prior_h'], missing: [] });
    tf.tidy(() => {
      const images = tf.tensor4d(
        uniforms(1_000_000 + seed, 6144).map((u) => Math.floor(256 * u)),
        [2, 32, 32, 3],
      );
      const found = model
        .logLikelihood(images, tf.tensor4d(uniforms(2_000_000 + seed, 6144), [2, 32, 32, 3]))
        .dataSync();
      for (const image of [0, 1]) {
        const expected = golden.objective[image] as number;
        assert.ok(
          Math.abs((found[image] as number) / expected - 1) < 1e-5,
          `${found[image]} instead of ${expected}`,
        );
      }
    });
    disposeModel(model);
  });

  for (const config of [GLOW, VAE, DIFFUSION]) {
    it(`of a ${config.family} is exported and imported bit for bit`, () => {
      pair(config, (from, to) => {
        for (const { name, variable } of from.buffers)
          if (name.endsWith('tracked')) variable.assign(tf.tensor1d([123_457]));
        const bytes = Buffer.from(encodeSafetensors(stateDict(from), {}));
        setStateDict(to, decodeSafetensors(bytes, 'x').tensors, 'x');
        assertSame(from, to);
      });
    });
  }

  it("is exported with PyTorch's types and the buffers that load_state_dict needs", () => {
    pair(VAE, (vae) => {
      const counter = stateDict(vae).find(({ name }) => name.endsWith('num_batches_tracked'));
      assert.deepEqual([counter?.stored, counter?.shape], ['I64', []]);
    });
    pair(GLOW, (glow) => {
      const prior = stateDict(glow).find(({ name }) => name === 'prior_h');
      // 8x8x1: 4 channels at 4x4, of which 2 go on; 8 at 2x2; mean and deviation: 16.
      assert.deepEqual(prior, {
        name: 'prior_h',
        shape: [1, 16, 2, 2],
        values: new Float32Array(64),
      });
    });
  });

  it('is imported without tensors that the architecture implies and without counters, and says so', () => {
    pair(GLOW, (from, to) => {
      const mask = { name: 'm', shape: [4, 4], values: new Float32Array(16) };
      const more = { 'flow.layers.1.invconv.l_mask': mask, 'flow.layers.1.invconv.eye': mask };
      const report = setStateDict(
        to,
        new Map([...asMap(modelTensors(from)), ...Object.entries(more)]),
        'x',
      );
      assert.deepEqual(report, { prefix: '', leftOut: Object.keys(more), missing: [] });
      assertSame(from, to);
    });
    pair(VAE, (from, to) => {
      const tensors = asMap(modelTensors(from).filter(({ name }) => !name.endsWith('tracked')));
      assert.equal(setStateDict(to, tensors, 'x').missing.length, from.buffers.length / 3);
    });
  });

  it('of a diffusion process is imported from under its prefix if its noise schedule is the same', () => {
    pair(DIFFUSION, (from, to) => {
      const signal = Float32Array.from(
        (from as unknown as { schedule: { signal: Float64Array } }).schedule.signal,
      );
      const process = (values: Float32Array) =>
        new Map([
          ['betas', { name: 'betas', shape: [10], values: new Float32Array(10) }],
          ['alphas_cumprod', { name: 'alphas_cumprod', shape: [10], values }],
          ...asMap(modelTensors(from), 'model.'),
        ]);
      const linear = signal.map((_, t) => 1 - (t + 1) / 11);
      assert.throws(
        () => setStateDict(to, process(linear), 'x'),
        /trained with another noise schedule \('alphas_cumprod'\)/,
      );
      assert.deepEqual(setStateDict(to, process(signal), 'x'), {
        prefix: 'model.',
        leftOut: ['betas', 'alphas_cumprod'],
        missing: [],
      });
      assertSame(from, to);
    });
  });

  it('of a U-Net of later versions of denoising-diffusion-pytorch is refused, by the names of its attention', () => {
    pair(DIFFUSION, (from, to) => {
      // How versions 1.8, 1.9 and 2.3 name what 1.2 to 1.7 call downs.0.2.fn.fn.to_qkv.weight.
      for (const [old, renamed] of [
        ['downs.0.2.fn.norm.g', 'downs.0.2.norm.g'],
        ['downs.0.2.fn.fn.to_qkv.weight', 'downs.0.2.to_qkv.weight'],
      ] as const)
        for (const prefix of ['', 'ema_model.model.']) {
          const tensors = asMap(modelTensors(from), prefix);
          const moved = tensors.get(`${prefix}${old}`);
          assert.ok(moved);
          tensors.delete(`${prefix}${old}`);
          tensors.set(`${prefix}${renamed}`, moved);
          assert.throws(
            () => setStateDict(to, tensors, 'x'),
            /'x' is of denoising-diffusion-pytorch 1\.8 or later .*; train it with version 1\.5\.5/,
          );
        }
    });
  });

  it('of a diffusion that predicts v or the image is refused, by the weights of its loss', () => {
    pair(DIFFUSION, (from, to) => {
      const { signal } = (from as unknown as { schedule: { signal: Float64Array } }).schedule;
      const weighted = (weight: (share: number) => number) =>
        new Map([
          ['loss_weight', { name: '', shape: [10], values: Float32Array.from(signal, weight) }],
          ...asMap(modelTensors(from), 'model.'),
        ]);
      const ratio = (share: number) => share / (1 - share);
      const clipped = (share: number) => Math.min(5, ratio(share)); // min-SNR with gamma 5
      for (const weight of [
        (share: number) => share,
        (share: number) => clipped(share) / (ratio(share) + 1),
      ])
        assert.throws(
          () => setStateDict(to, weighted(weight), 'x'),
          /'x' predicts v, not the noise/,
        );
      for (const weight of [ratio, clipped])
        assert.throws(() => setStateDict(to, weighted(weight), 'x'), /'x' predicts the image, not/);
      assert.throws(
        () =>
          setStateDict(
            to,
            weighted(() => 2),
            'x',
          ),
        /in a way that is not known/,
      );
      for (const weight of [() => 1, (share: number) => clipped(share) / ratio(share)])
        assert.deepEqual(setStateDict(to, weighted(weight), 'x').leftOut, ['loss_weight']);
      assertSame(from, to);
    });
  });

  it('of a Glow of larger images is refused, by the shape of its prior', () => {
    const large = createModel({ ...GLOW, imageShape: [16, 8, 1] });
    const tensors = asMap(stateDict(large));
    disposeModel(large);
    pair(GLOW, (_, to) => {
      assert.throws(
        () => setStateDict(to, tensors, 'x'),
        /'x' is a Glow of images of 16x8 \('prior_h' is \[1, 16, 4, 2\]\), not of 8x8; .*\[16, 8, 1\]/,
      );
    });
  });

  it('with wrapped parts is imported, but one that has a part twice is not', () => {
    pair(GLOW, (from, to) => {
      const wrapped = new Map(
        modelTensors(from).map((tensor) => [
          `net.module.${tensor.name.replace(/^flow\./, 'flow._orig_mod.').replace('.block.', '.block.module.')}`,
          tensor,
        ]),
      );
      const { prefix, leftOut } = setStateDict(to, wrapped, 'x');
      assert.deepEqual([prefix, leftOut], ['net.module.', []]);
      assertSame(from, to);
      const [first] = modelTensors(from) as [NamedTensor];
      wrapped.set(`net.module.${first.name}`, first);
      assert.throws(
        () => setStateDict(to, wrapped, 'x'),
        /holds 'flow\.layers\.1\.actnorm\.bias' twice/,
      );
    });
  });

  it('that has the model twice needs a prefix', () => {
    pair(GLOW, (from, to) => {
      const twice = new Map([
        ...asMap(modelTensors(to), 'model.'),
        ...asMap(modelTensors(from), 'ema_model.'),
      ]);
      assert.throws(
        () => setStateDict(to, twice, 'x'),
        /under 'model\.' and 'ema_model\.'; choose one with --prefix/,
      );
      assert.equal(setStateDict(to, twice, 'x', 'ema_model.').leftOut.length, twice.size / 2);
      assertSame(from, to);
    });
  });

  it('of another architecture names the tensors that differ and changes nothing', () => {
    pair(GLOW, (from, to) => {
      const before = modelTensors(to).map(({ values }) => values.slice());
      const tensors = asMap(modelTensors(from), 'net.');
      tensors.delete('net.flow.layers.1.invconv.p');
      tensors.set('net.head', { name: 'net.head', shape: [1], values: new Float32Array(1) });
      assert.throws(
        () => setStateDict(to, tensors, 'x'),
        /flow\.layers\.1\.invconv\.p is missing; head is not of this model/,
      );
      assert.throws(
        () => setStateDict(to, new Map(), 'x'),
        /flow\.layers\.1\.actnorm\.bias is missing; .* more;/,
      );
      assert.deepEqual(
        modelTensors(to).map(({ values }) => values),
        before,
      );
    });
  });
});
