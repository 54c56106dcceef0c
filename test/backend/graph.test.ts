import assert from 'node:assert/strict';
import type { Tensor } from '@tensorflow/tfjs';
import { at } from '../../src/backend/checked';
import { convolve } from '../../src/backend/convolve';
import { type Computation, Graph } from '../../src/backend/graph';
import { sumOverParts } from '../../src/backend/recording';
import { startBackend, tf } from '../../src/backend/start';
import { eagerly, featurePasses } from '../../src/gradients/feature-passes';
import { squaredNorm } from '../../src/gradients/features';
import { setLayer } from '../../src/gradients/layer';
import { createModel, preset } from '../../src/models/families';
import type { TapedModel } from '../../src/models/model';
import { normals } from '../../src/numerics/random';
import { assertClose } from '../support/close';

const random = (seed: number, shape: number[]) =>
  tf.tensor(
    normals(
      seed,
      shape.reduce((a, b) => a * b, 1),
    ),
    shape,
  );

/**
 * One of everything that a graph treats in a way of its own: a convolution with ReLU and one
 * without, an axis, a mask, integers.
 */
const window = { kernel: [3, 3] as const, stride: 1, pad: 1 };
const layered = (filter: Tensor, bias: Tensor): Computation => {
  return ([x]) => {
    const h = tf.relu(convolve(x as Tensor, filter, window, bias));
    const seen = convolve(h, filter, window, bias);
    const twice = tf.add(tf.relu(seen), seen); // this ReLU may not be drawn into its convolution
    const y = tf.where(
      tf.greater(tf.expandDims(tf.gather(twice, tf.tensor1d([1, 0], 'int32'), 3), 1), 0),
      2,
      0.5,
    );
    return {
      rows: [tf.sum(y, [1, 2, 3, 4]), tf.mean(h, [1, 2])],
      sums: [tf.sum(tf.mul(h, h), [0, 1, 2])],
    };
  };
};

async function onlyNative(this: Mocha.Context) {
  if ((await startBackend()).name !== 'tensorflow') this.skip();
}

describe('a graph of a recorded computation (skipped where TensorFlow’s library does not run: graphs are its own)', () => {
  before(onlyNative);

  it('concatenates the rows of all parts and adds their sums, like the computation itself', () => {
    const [filter, bias] = [random(1, [3, 3, 2, 2]), random(2, [2])];
    const compute = layered(filter, bias);
    for (const parts of [1, 2, 3]) {
      const x = random(3, [2 * parts, 4, 5, 2]);
      const graph = Graph.of(compute, [tf.slice(x, 0, 2)], [filter, bias]) as Graph;
      assert.equal(graph.part, 2);
      for (const again of [0, 1, 0]) {
        // Other weights at the second call: they are inputs, not constants.
        const found = graph.run([x], again === 0 ? [filter, bias] : [tf.mul(filter, 2), bias]);
        const expected = tf.tidy(() => {
          const { rows, sums } = again === 0 ? compute([x]) : layered(tf.mul(filter, 2), bias)([x]);
          return [...rows, ...sums].map((tensor) => tensor.dataSync()) as never;
        }) as unknown as Float32Array[];
        assertClose(
          [...found.rows, ...found.sums].map((actual, k) => ({
            name: `output ${k}`,
            actual,
            expected: expected[k] as Float32Array,
          })),
        );
      }
    }
  });

  it('synchronises any number of parts that need sums over all of them', () => {
    const centred: Computation = ([x]) => {
      const rows = x as Tensor; // [n, C]
      const count = tf.tensor1d([rows.shape[0] as number]);
      const sums = sumOverParts(tf.concat([tf.sum(rows, 0), count]));
      const [sum, n] = tf.split(sums, [3, 1]) as [Tensor, Tensor];
      const apart = tf.sub(rows, tf.div(sum, n));
      // A second sum, of what the first one made.
      const squares = sumOverParts(tf.sum(tf.square(apart), 0));
      return { rows: [tf.div(apart, tf.sqrt(squares))], sums: [] };
    };
    for (const parts of [1, 2, 5]) {
      const x = random(parts, [2 * parts, 3]);
      const graph = Graph.of(centred, [tf.slice(x, 0, 2)], []) as Graph;
      const { rows } = graph.run([x], [], 1); // as many threads as parts, nevertheless
      const expected = tf.tidy(() => at(centred([x]).rows, 0).dataSync()) as Float32Array;
      assertClose([{ name: `${parts} parts`, actual: at(rows, 0), expected }]);
      assert.deepEqual(graph.run([x], []).rows, rows);
    }
  });

  it('pads an incomplete last part, unless the padding would enter a sum', () => {
    const [filter, bias] = [random(1, [3, 3, 2, 2]), random(2, [2])];
    const compute = layered(filter, bias);
    const x = random(3, [3, 4, 5, 2]);
    const rowsAlone = Graph.of(
      (batch) => ({ ...compute(batch), sums: [] }),
      [tf.slice(x, 0, 2)],
      [filter, bias],
    ) as Graph;
    const expected = tf.tidy(
      () => compute([x]).rows.map((tensor) => tensor.dataSync()) as never,
    ) as unknown as Float32Array[];
    assertClose(
      rowsAlone.run([x], [filter, bias]).rows.map((actual, k) => ({
        name: `rows ${k}`,
        actual,
        expected: expected[k] as Float32Array,
      })),
    );
    const withSums = Graph.of(compute, [tf.slice(x, 0, 2)], [filter, bias]) as Graph;
    assert.throws(() => withSums.run([x], [filter, bias]), /3 images are not whole parts of 2/);
  });

  it('is not made of a computation that reads its numbers halfway', () => {
    const x = random(1, [2, 3]);
    const looking: Computation = ([x]) => ({
      rows: [(x as Tensor).sum(1).dataSync()[0] === 0 ? tf.neg(x as Tensor) : tf.abs(x as Tensor)],
      sums: [],
    });
    assert.equal(Graph.of(looking, [x], []), null);
    assert.deepEqual(
      [...tf.abs(x).dataSync()],
      [...x.dataSync()].map(Math.abs),
      'the backend is as before',
    );
  });

  it('leaves no tensor behind, even if the computation throws', () => {
    const [filter, bias, x] = [random(1, [3, 3, 2, 2]), random(2, [2]), random(3, [2, 4, 5, 2])];
    Graph.of(layered(filter, bias), [x], [filter, bias]);
    const held = tf.memory().numTensors;
    const twice = tf.concat([x, x]); // [2N, …]
    Graph.of(layered(filter, bias), [x], [filter, bias])?.run([twice], [filter, bias]);
    twice.dispose();
    // biome-ignore format: one line
    assert.throws(() => Graph.of(() => { tf.abs(x); throw new Error('half-way'); }, [x], []), /half-way/);
    assert.equal(tf.memory().numTensors, held);
  });
});

describe('features by graph (skipped where TensorFlow’s library does not run)', () => {
  before(onlyNative);

  for (const family of ['glow', 'diffusion', 'vae'] as const) {
    it(`of ${family}: are the same as those of single operations, even for images that do not fill the graph`, () => {
      const config = preset(family, 'small', [16, 16, 1], 3);
      const model: TapedModel = createModel(
        config.family === 'glow' ? { ...config, K: 1, hidden: 8 } : config,
      );
      model.layers.forEach((layer, k) => {
        const before = layer.variable.dataSync();
        setLayer(
          layer,
          normals(100 + k, before.length).map((value, i) => (before[i] as number) + 0.05 * value),
        );
      });
      const sample = (count: number) => ({
        images: tf.floor(
          tf.mul(tf.abs(tf.sin(tf.reshape(tf.range(0, count * 256), [count, 16, 16, 1]))), 255),
        ),
        noise: model.noise([...Array(count).keys()], 7),
      });
      const passes = featurePasses(model, [squaredNorm], [1, 5], 100_000, sample);
      const count = passes.atOnce / 4 - 5; // a part for each core, the last one not full
      const { images, noise } = sample(count);
      const found = passes.run(images, noise);
      const expected = eagerly(model, [squaredNorm], [1, 5], count).run(images, noise);
      assert.ok(passes.atOnce % 5 === 0 && passes.atOnce > count);
      const named = (b: number, { byBatchSize }: typeof found) =>
        new Map((byBatchSize[b] ?? []).map(({ layer, values }) => [layer.name, values]));
      const pairs = [0, 1].flatMap((b) => {
        const others = named(b, expected);
        return [...named(b, found)].map(([name, actual]) => ({
          name: `${name}, size ${b}`,
          actual,
          expected: others.get(name) as Float32Array,
        }));
      });
      assert.equal(pairs.length, 2 * model.layers.length);
      assertClose([
        ...pairs,
        { name: 'log-likelihood', actual: found.logLikelihood, expected: expected.logLikelihood },
      ]);
    });
  }
});
