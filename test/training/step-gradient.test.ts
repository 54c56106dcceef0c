import assert from 'node:assert/strict';
import { at, numbersOf } from '../../src/backend/checked';
import { startBackend, tf } from '../../src/backend/start';
import { disposeModel } from '../../src/models/checkpoint';
import { createModel } from '../../src/models/families';
import type { ModelConfig } from '../../src/models/family';
import { deriveSeed, uniforms } from '../../src/numerics/random';
import {
  disposeState,
  initialState,
  type OptimiserConfig,
  update,
} from '../../src/training/optimiser';
import { StepGradient } from '../../src/training/step-gradient';
import { Weights } from '../../src/training/weights';
import { shake } from '../models/finite-differences';

const CONFIGS: Readonly<Record<string, ModelConfig>> = {
  glow: { family: 'glow', imageShape: [16, 16, 3], K: 2, L: 2, hidden: 16, seed: 3 },
  diffusion: {
    family: 'diffusion',
    imageShape: [16, 16, 3],
    dim: 8,
    dimMults: [1, 2],
    timesteps: 30,
    timestep: 0,
    seed: 3,
  },
  vae: { family: 'vae', imageShape: [16, 16, 3], channels: [8, 16], latent: 4, seed: 3 },
};
const OPTIMISER: OptimiserConfig = { method: 'adamax', weightDecay: 1e-4, clip: 50, average: 0.9 };
const [STEPS, BATCH, RATE] = [6, 8, 1e-3];
/** Steps for which a graph pays. */
const MANY = 1e4;

/** The weights after a few steps, with objective and gradient of each, by one of the two ways. */
function trained(config: ModelConfig, steps: number) {
  const model = createModel(config);
  shake(model.layers, 5, 0.05);
  const gradientAt = new StepGradient(model, steps);
  let state = initialState(gradientAt.weights.read());
  const gradients: Float32Array[] = [];
  const objectives: number[] = [];
  let buffers: Float32Array[] | undefined;
  for (let step = 0; step < STEPS; step++) {
    const seed = deriveSeed(7, step);
    const images = tf.tensor4d(
      uniforms(seed, BATCH * 768).map((u) => Math.floor(256 * u)),
      [BATCH, 16, 16, 3],
    );
    const { gradient, objective } = gradientAt.at(state.parameters, images, seed);
    gradients.push(numbersOf(gradient));
    // At the first step, while both ways still have the same weights.
    buffers ??= model.buffers.map(({ variable }) => numbersOf(variable).slice());
    objectives.push(objective);
    const loss = tf.mul(gradient, -1 / BATCH);
    const { state: next, norm } = update(state, loss, RATE, OPTIMISER);
    tf.dispose([images, gradient, loss, norm]);
    disposeState(state);
    state = next;
  }
  const weights = numbersOf(state.parameters).slice();
  const felt = gradientAt.weights.layers.flatMap(({ name, variable }) =>
    Array<number>(variable.size).fill(UNFELT.test(name) ? 0 : 1),
  );
  disposeState(state);
  disposeModel(model);
  return { weights, felt, buffers, gradients, objectives, replays: gradientAt.replays };
}

/** A bias in front of a batch norm changes nothing: its gradient is all rounding. */
const UNFELT = /(conv_backbone\.\d+|final_layer)\.0\.bias$/;

const largestOf = (numbers: Float32Array) => Math.max(...numbers.map(Math.abs));

/** Distances between two vectors, the smallest first. */
const distances = (a: Float32Array, b: Float32Array) =>
  a.map((value, i) => Math.abs(value - at(b, i))).sort();

/** The weights before the first step. */
function numbersAt(config: ModelConfig): Float32Array {
  const model = createModel(config);
  shake(model.layers, 5, 0.05);
  const start = new Weights(model).read();
  const numbers = numbersOf(start).slice();
  start.dispose();
  disposeModel(model);
  return numbers;
}

async function onlyNative(this: Mocha.Context) {
  if ((await startBackend()).name !== 'tensorflow') this.skip();
}

describe('the gradient of a training step (skipped if TensorFlow’s library does not run, because graphs need it)', () => {
  before(onlyNative);

  for (const [family, config] of Object.entries(CONFIGS)) {
    it(`of a ${family} model, replayed as a graph, leads to the weights of the eager one`, () => {
      const held = tf.memory().numTensors;
      const [eager, replayed] = [trained(config, 1), trained(config, MANY)];
      assert.deepEqual([eager.replays, replayed.replays], [false, true]);
      assert.equal(tf.memory().numTensors, held);
      // The same sums in another order: float32 holds seven digits of the largest terms.
      eager.objectives.forEach((value, k) => {
        const other = at(replayed.objectives, k);
        assert.ok(Math.abs(other / value - 1) < 1e-6, `objective ${value}, replayed ${other}`);
      });
      eager.gradients.forEach((gradient, k) => {
        const apart = distances(gradient, at(replayed.gradients, k)).at(-1) ?? Number.NaN;
        const largest = largestOf(gradient);
        assert.ok(apart < 1e-4 * largest, `gradient ${k}: ${apart} apart, of ${largest}`);
      });
      // Adamax divides by the size of the gradient: a weight moves by about the rate however small
      // its gradient is. Where that is a sum that nearly cancels, its last digits count: few
      // weights differ by a thousandth of a step, none by a hundredth.
      const isFelt = (_: number, i: number) => at(eager.felt, i) === 1;
      const apart = distances(eager.weights.filter(isFelt), replayed.weights.filter(isFelt));
      assert.ok((apart.at(-1) ?? Number.NaN) < 1e-2 * RATE, `${apart.at(-1)}`);
      assert.ok(at(apart, Math.floor(0.99 * apart.length)) < 1e-4 * RATE, 'of 99 % of the weights');
      const moved = distances(eager.weights, numbersAt(config)).at(-1) ?? Number.NaN;
      assert.ok(moved > RATE, 'the weights moved');
      eager.buffers?.forEach((buffer, k) => {
        const other = replayed.buffers?.[k] ?? new Float32Array();
        const most = 1e-5 * largestOf(buffer);
        assert.ok((distances(buffer, other).at(-1) ?? 0) <= most, `buffer ${k}: ${other}`);
      });
    });
  }
});
