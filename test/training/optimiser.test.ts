import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import {
  initialState,
  learningRateAt,
  type OptimiserConfig,
  type OptimiserState,
  update,
} from '../../src/training/optimiser';

const plain: OptimiserConfig = { method: 'adamax', weightDecay: 0, clip: 0, average: 0 };

/** The same updates in float64, number by number, written from the papers' algorithms. */
function byHand(
  method: 'adam' | 'adamax',
  start: number[],
  gradients: number[][],
  rate: number,
): number[] {
  const theta = [...start];
  const m = theta.map(() => 0);
  const v = theta.map(() => 0);
  gradients.forEach((g, index) => {
    const t = index + 1;
    theta.forEach((_, k) => {
      const gk = g[k] as number;
      m[k] = 0.9 * (m[k] as number) + 0.1 * gk;
      v[k] =
        method === 'adamax'
          ? Math.max(0.999 * (v[k] as number), Math.abs(gk) + 1e-8)
          : 0.999 * (v[k] as number) + 0.001 * gk * gk;
      const first = (m[k] as number) / (1 - 0.9 ** t);
      const second =
        method === 'adamax'
          ? (v[k] as number)
          : Math.sqrt((v[k] as number) / (1 - 0.999 ** t)) + 1e-8;
      theta[k] = (theta[k] as number) - (rate * first) / second;
    });
  });
  return theta;
}

describe('the optimiser', () => {
  before(startBackend);

  for (const method of ['adam', 'adamax'] as const) {
    it(`makes ${method}'s updates`, () => {
      const start = [1, -2, 0.5];
      const gradients = [
        [0.3, -4, 0],
        [0.1, 2, 1e-3],
        [-0.7, 0.5, 2e-3],
      ];
      const end = tf.tidy(() => {
        let state: OptimiserState = initialState(tf.tensor1d(start));
        for (const g of gradients)
          state = update(state, tf.tensor1d(g), 0.01, { ...plain, method }).state;
        return Array.from(state.parameters.dataSync());
      });
      byHand(method, start, gradients, 0.01).forEach((expected, k) => {
        assert.ok(
          Math.abs((end[k] as number) - expected) < 1e-6,
          `element ${k}: ${end[k]} instead of ${expected}`,
        );
      });
    });
  }

  it('clips the gradient to its largest norm and reports the norm before', () => {
    tf.tidy(() => {
      const { state, norm } = update(initialState(tf.zeros([2])), tf.tensor1d([30, 40]), 0, {
        ...plain,
        clip: 5,
      });
      assert.equal(norm.dataSync()[0], 50);
      const m = state.m.dataSync();
      assert.ok(
        Math.abs((m[0] as number) - 0.3) < 1e-5 && Math.abs((m[1] as number) - 0.4) < 1e-5,
        `moment ${m}`,
      );
    });
  });

  it('adds weight decay to the gradient', () => {
    const m = tf.tidy(() =>
      update(initialState(tf.tensor1d([10])), tf.tensor1d([1]), 0, {
        ...plain,
        weightDecay: 0.5,
      }).state.m.dataSync(),
    );
    assert.ok(Math.abs((m[0] as number) - 0.1 * (1 + 0.5 * 10)) < 1e-6);
  });

  it('averages the weights, forgetting the start early on', () => {
    tf.tidy(() => {
      let state = initialState(tf.tensor1d([1]));
      const seen: number[] = [];
      let expected = 1;
      for (let t = 1; t <= 20; t++) {
        state = update(state, tf.tensor1d([1]), 0.1, { ...plain, average: 0.9 }).state;
        const decay = Math.min(0.9, (1 + t) / (10 + t));
        expected = decay * expected + (1 - decay) * (state.parameters.dataSync()[0] as number);
        seen.push(state.average.dataSync()[0] as number);
      }
      assert.ok(Math.abs((seen.at(-1) as number) - expected) < 1e-5);
    });
  });

  it('leaves the state it was given as it was, and leaks nothing', () => {
    const state = initialState(tf.tensor1d([1, 2]));
    const gradient = tf.tensor1d([1, 1]);
    const before = tf.memory().numTensors;
    const { state: next, norm } = update(state, gradient, 0.1, {
      method: 'adam',
      weightDecay: 0.1,
      clip: 1,
      average: 0.9,
    });
    assert.equal(tf.memory().numTensors - before, 5, 'four vectors and a norm');
    assert.deepEqual(Array.from(state.parameters.dataSync()), [1, 2]);
    tf.dispose([
      next.parameters,
      next.m,
      next.v,
      next.average,
      norm,
      state.parameters,
      state.m,
      state.v,
      state.average,
      gradient,
    ]);
  });

  it('warms up, stays, and falls to a hundredth at the end', () => {
    const rate = (step: number) => learningRateAt(step, 1, 10, 0.4, 100);
    assert.equal(rate(0), 0.1);
    assert.equal(rate(9), 1);
    assert.equal(rate(60), 1);
    assert.ok(Math.abs(rate(80) - 0.505) < 1e-12);
    assert.ok(rate(99) < 0.04 && rate(99) > 0.01);
  });
});
