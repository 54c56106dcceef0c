import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import { Collector } from '../../src/gradients/collector';
import { summedGradients } from '../../src/gradients/collectors';
import { directFactors } from '../../src/gradients/direct-factors';
import { makeLayer } from '../../src/gradients/layer';
import { OuterProducts } from '../../src/gradients/outer-products';
import { sumOfUses } from '../../src/gradients/sum-of-uses';
import { Tape, type Value } from '../../src/gradients/tape';

/** x to (2x, 3x): the gradient of x is 2 dy₁ + 3 dy₂. */
function twoAndThree(tape: Tape, x: Value, seen: number[][]): [Value, Value] {
  return tape.apply({
    inputs: [x],
    output: [tf.mul(x.tensor, 2), tf.mul(x.tensor, 3)],
    back([dy2, dy3]) {
      seen.push([...dy2.dataSync()], [...dy3.dataSync()]);
      return [tf.add(tf.mul(dy2, 2), tf.mul(dy3, 3))];
    },
  });
}

describe('the tape', () => {
  before(() => startBackend());

  it('gives zeros for an output that nothing flowed back to', () => {
    const seen: number[][] = [];
    const tape = new Tape(new Collector(() => null));
    const gradient = tf.tidy(() => {
      const x = tape.input(tf.tensor1d([1, 5]));
      const [, three] = twoAndThree(tape, x, seen);
      return [...(tape.backward(three, [x])[0] as tf.Tensor).dataSync()];
    });
    tape.dispose();
    assert.deepEqual(seen, [
      [0, 0],
      [1, 1],
    ]);
    assert.deepEqual(gradient, [3, 3]);
  });

  it('skips an operation that nothing flows back to, and adds up what flows back to one value', () => {
    const seen: number[][] = [];
    const tape = new Tape(new Collector(() => null));
    const gradients = tf.tidy(() => {
      const x = tape.input(tf.tensor1d([1, 5]));
      const aside = tape.input(tf.tensor1d([4]));
      twoAndThree(tape, aside, seen);
      const [two, three] = twoAndThree(tape, x, seen);
      const root = tape.apply({
        inputs: [two, three, x],
        output: tf.addN([two.tensor, three.tensor, x.tensor]),
        back: (dy) => [dy, dy, dy],
      });
      return tape.backward(root, [x, aside]).map((dx) => [...dx.dataSync()]);
    });
    tape.dispose();
    assert.equal(seen.length, 2);
    assert.deepEqual(gradients, [[6, 6], [0]]);
  });

  it('without a collector only runs forward and keeps nothing', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const tape = new Tape();
      const [two] = twoAndThree(tape, tape.input(tf.tensor1d([1, 5])), []);
      assert.equal(two.needed, false);
    });
    assert.equal(tf.memory().numTensors, before);
  });

  it('shows a layer that is used by different operations once, with the sum of its gradients', () => {
    const layer = makeLayer('w', 'plain', [2], Float32Array.of(1, 2));
    const shown: string[] = [];
    const sums = new Collector((gradient, { name }) => {
      shown.push(name);
      return { sum: gradient.total(), norms: gradient.squaredNorms(1) };
    });
    const tape = new Tape(sums);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const use = (x: Value, direct: boolean) =>
        tape.apply({
          inputs: [x],
          layers: [layer],
          output: tf.mul(x.tensor, layer.variable), // [N, 2]
          saved: [x.tensor],
          back(dy) {
            const gradient = tf.mul(dy, x.tensor); // [N, 2]
            const factors = direct
              ? directFactors('direct', 2, () => gradient)
              : new OuterProducts({
                  operation: 'products',
                  images: 2,
                  positions: 1,
                  inputs: 1,
                  outputs: 2,
                  build: () => ({
                    x: tf.ones([2, 1, 1]), // [N, 1, 1]
                    dy: tf.reshape(gradient, [2, 1, 2]), // [N, 1, 2]
                  }),
                });
            tape.gradient(layer, factors);
            return [tf.mul(dy, layer.variable)];
          },
        });
      const x = tf.tensor2d([
        [1, 10],
        [3, 5],
      ]);
      // y = w² x: the gradient of each image is 2 w x
      tape.backward(use(use(tape.constant(x), true), false));
    });
    tape.dispose();
    assert.deepEqual(shown, ['w']);
    assert.deepEqual([...(sums.numbers('sum').get('w') ?? [])], [2 * 4, 4 * 15]);
    assert.deepEqual(
      [...(sums.numbers('norms').get('w') ?? [])],
      [2 ** 2 + 40 ** 2, 6 ** 2 + 20 ** 2],
    );
    sums.dispose();
    assert.equal(tf.memory().numTensors, before);
    layer.variable.dispose();
  });

  it('joins the positions of uses that are outer products, whose norm is then that of the sum', () => {
    tf.tidy(() => {
      const use = (a: number, b: number) =>
        new OuterProducts({
          operation: 'products',
          images: 1,
          positions: 1,
          inputs: 2,
          outputs: 1,
          build: () => ({ x: tf.tensor3d([[[a, b]]]), dy: tf.tensor3d([[[2]]]) }),
        });
      const uses = [use(1, 2), use(3, -2)];
      const joined = sumOfUses(uses);
      assert.ok(joined instanceof OuterProducts);
      assert.deepEqual(joined.grouped(1).x.shape, [1, 2, 2]);
      assert.deepEqual([...joined.squaredNorms(1).dataSync()], [8 ** 2]);
      for (const factors of [joined, ...uses]) factors.dispose();
    });
  });

  it('passes a layer to a collector pass by pass, and adds up sums', () => {
    const layer = makeLayer('w', 'plain', [1], Float32Array.of(3));
    const pass = (collector: Collector, x: number) => {
      const tape = new Tape(collector);
      tf.tidy(() => {
        const value = tape.apply({
          inputs: [],
          layers: [layer],
          output: tf.mul(layer.variable, x),
          back(dy) {
            tape.gradient(
              layer,
              directFactors('times', 1, () => tf.mul(dy, x)),
            );
            return [];
          },
        });
        tape.backward(value);
      });
      tape.dispose();
    };
    const before = tf.memory().numTensors;
    const [last, all] = [
      summedGradients(),
      new Collector((gradient) => ({ sum: gradient.total() }), { sums: ['sum'] }),
    ];
    for (const x of [5, 7, 11]) for (const collector of [last, all]) pass(collector, x);
    assert.deepEqual(last.read('sum').get('w'), Float32Array.of(11));
    assert.deepEqual(all.read('sum').get('w'), Float32Array.of(23));
    assert.equal(tf.memory().numTensors, before);
    layer.variable.dispose();
  });
});
