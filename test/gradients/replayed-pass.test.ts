import assert from 'node:assert/strict';
import { at, startBackend, tf } from '../../src/backend/index';
import { grams } from '../../src/gradients/collectors';
import {
  type Blocks,
  Collector,
  gradientsOf,
  gradientsOfGroups,
  groupNorms,
  passOver,
} from '../../src/gradients/index';
import { ReplayedPass } from '../../src/gradients/replayed-pass';
import { createModel, disposeModel, type TapedModel } from '../../src/models/index';
import { deriveSeed, uniforms } from '../../src/numerics/index';
import { shake } from '../models/finite-differences';

/** Enough for a graph to pay, whatever the machine. */
const MANY = 1e9;

describe('a pass over blocks, replayed as a graph (skipped where TensorFlow’s library does not run)', () => {
  let model: TapedModel;

  before(async function () {
    if ((await startBackend()).name !== 'tensorflow') this.skip();
    model = createModel({
      family: 'glow',
      imageShape: [8, 8, 3],
      K: 2,
      L: 2,
      hidden: 8,
      seed: 3,
    });
    shake(model.layers, 5, 0.05);
  });
  after(() => disposeModel(model));

  /** Blocks of so many images each; `count` is what they say of themselves. */
  const blocks = (sizes: readonly number[], count: number): Blocks => ({
    count,
    *blocks() {
      for (const [b, size] of sizes.entries()) {
        const pixels = uniforms(deriveSeed(7, b), size * 192).map((u) => Math.floor(256 * u));
        const places = Array.from({ length: size }, (_, i) => 100 * b + i);
        yield {
          images: tf.tensor4d(pixels, [size, 8, 8, 3]),
          noise: model.noise(places, 1),
        };
      }
    },
  });

  /** All numbers of a collector after each block, by layer and tensor. */
  async function seen(make: () => Collector, keys: string[], images: Blocks) {
    const collector = make();
    const found: Map<string, Float32Array>[] = [];
    await passOver(model, images, collector, () => {
      for (const key of keys) found.push(collector.numbers(key));
    });
    collector.dispose();
    return found;
  }

  const moments = () =>
    new Collector(
      (gradient) => {
        const g = gradient.instantiate(1);
        return {
          norms: tf.sum(tf.square(g), 1),
          squares: tf.sum(tf.square(g), 0),
          sum: tf.sum(g, 0),
        };
      },
      { rows: ['norms'], sums: ['squares', 'sum'] },
    );
  const cases: [string, () => Collector, string[]][] = [
    ['norms of single images', () => groupNorms(1), ['norms']],
    ['norms of batches of four', () => groupNorms(4), ['norms']],
    ['gradients', () => gradientsOfGroups(1), ['gradients']],
    ['chosen gradients', () => gradientsOf(chosen()), ['gradients']],
    ['rows and sums at once', moments, ['norms', 'squares', 'sum']],
    ['Gram matrices, which have no parts', () => grams(1), ['gram']],
  ];
  const chosen = () =>
    new Map([at(model.layers, 3), at(model.layers, 9)].map((l) => [l.name, [0, 2]]));

  for (const [name, make, keys] of cases) {
    it(`gives the eager one's ${name}, block by block, and leaves no tensor`, async () => {
      const held = tf.memory().numTensors;
      const sizes = [32, 32, 12]; // the last one is not of whole parts
      const [eager, replayed] = [
        await seen(make, keys, blocks(sizes, 1)),
        await seen(make, keys, blocks(sizes, MANY)),
      ];
      assert.equal(tf.memory().numTensors, held);
      assert.equal(replayed.length, keys.length * sizes.length);
      eager.forEach((layers, k) => {
        const others = at(replayed, k);
        assert.deepEqual([...others.keys()], [...layers.keys()]);
        for (const [layer, numbers] of layers) {
          const own = others.get(layer) ?? new Float32Array(0);
          assert.equal(own.length, numbers.length, layer);
          const largest = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
          // The same sums of float32, in another order.
          numbers.forEach((value, i) => {
            assert.ok(Math.abs(value - at(own, i)) < 1e-4 * largest, `${layer} ${i}`);
          });
        }
      });
    });
  }

  it('is a graph only if it pays and every tensor has rows or is a sum', () => {
    const [block] = [...blocks([32], MANY).blocks()];
    assert.ok(block !== undefined);
    const made = (collector: Collector, total: number) =>
      ReplayedPass.of(model, collector, block, total) !== null;
    assert.deepEqual(
      [made(groupNorms(1), MANY), made(groupNorms(1), 32), made(grams(1), MANY)],
      [true, false, false],
    );
    tf.dispose([block.images, block.noise]);
  });

  it('shows a changed weight', async () => {
    const norms = async () =>
      (await seen(() => groupNorms(1), ['norms'], blocks([32, 32], MANY))).flatMap((m) =>
        [...m.values()].flatMap((v) => [...v]),
      );
    const before = await norms();
    shake(model.layers, 6, 0.05);
    const after = await norms();
    assert.notDeepEqual(before, after);
  });
});
