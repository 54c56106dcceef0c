import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tf } from '../../src/backend/start';
import { run } from '../../src/cli/main';
import { layerValues } from '../../src/gradients/layer';
import { disposeModel, loadModel } from '../../src/models/checkpoint';

/** What PyTorch wrote: `fixtures/pytorch.py` says what, and makes it anew. */
const fixture = (name: string) => path.join(__dirname, 'fixtures', name);
const COUNT = 2 * 32 * 32;

/** (factor · i) mod modulus, as the script's `formula`. */
const formula = (count: number, factor: number, modulus: number) =>
  Float32Array.from({ length: count }, (_, i) => (factor * i) % modulus);
const normal = (count: number) => formula(count, 29, 61).map((value) => (value - 30) / 16);

/**
 * For each family what `fisherlab import` is told and says, and the noise of the script's
 * objective.
 */
const FAMILIES = {
  glow: {
    config: { K: 1, L: 2, hidden: 4 },
    says: /^left out: 1 tensors \(prior_h\)$/,
    noise: () =>
      tf.tensor4d(
        formula(COUNT, 13, 128).map((value) => value / 128),
        [2, 32, 32, 1],
      ),
  },
  diffusion: {
    config: { dim: 8, dimMults: [1, 1] },
    says: /^taken: the tensors under 'model\.'$/,
    noise: () => tf.tensor4d(normal(COUNT), [2, 32, 32, 1]),
  },
  vae: {
    config: { channels: [4, 6], latent: 3 },
    says: /^24 tensors of .* are now /,
    noise: () => tf.tensor2d(normal(6), [2, 3]),
  },
} as const;

/** Runs the command line in this process; its lines. */
async function fisherlab(...words: string[]): Promise<string[]> {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => void lines.push(line);
  try {
    await run(['node', 'fisherlab', ...words]);
  } finally {
    console.log = log;
  }
  return lines;
}

/** The number e of a tensor by the script's formula. */
function expected(name: string, shape: readonly number[], e: number): number {
  const k = [...name].reduce((sum, character) => sum + character.charCodeAt(0), 0);
  const rows = shape[0] as number;
  if (name.endsWith('num_batches_tracked')) return k;
  if (name.endsWith('.p')) return Math.floor(e / rows) + (e % rows) === rows - 1 ? 1 : 0;
  if (name.endsWith('sign_s')) return e % 2 === 0 ? 1 : -1;
  const gain = name.endsWith('.g') || (shape.length === 1 && /(weight|running_var)$/.test(name));
  return ((((7 * e) % 31) + 5 * k) % 31) / 64 - 15 / 64 + (gain ? 1 : 0);
}

describe('a state dictionary that PyTorch wrote', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-pytorch-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const objectives = JSON.parse(readFileSync(fixture('pytorch.json'), 'utf8')) as Record<
    string,
    number[]
  >;

  for (const [family, { config, says, noise }] of Object.entries(FAMILIES)) {
    it(`of a ${family} is imported to the last bit, and gives PyTorch's objective`, async () => {
      const out = path.join(folder, `${family}.safetensors`);
      const of = ['--model', family, '--data', 'fashion_mnist', '--config', JSON.stringify(config)];
      const said = await fisherlab('import', fixture(`${family}.safetensors`), ...of, '--out', out);
      assert.match(said[0] as string, says);
      const { model } = loadModel(out);
      for (const layer of [...model.layers, ...model.buffers]) {
        const { name, torchShape } = layer;
        const numbers = Array.from(layerValues(layer), (_, e) => expected(name, torchShape, e));
        assert.deepEqual(Array.from(layerValues(layer)), numbers, name);
      }
      tf.tidy(() => {
        const images = tf.tensor4d(formula(COUNT, 17, 251), [2, 32, 32, 1]);
        const found = model.logLikelihood(images, noise()).dataSync();
        objectives[family]?.forEach((value, image) => {
          const error = Math.abs((found[image] as number) / value - 1);
          assert.ok(error < 1e-5, `image ${image}: ${found[image]} instead of ${value}`);
        });
      });
      disposeModel(model);
    });
  }
});
