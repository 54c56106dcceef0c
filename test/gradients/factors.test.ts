import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import { prefersGram } from '../../src/gradients/gram-form';
import { OuterProducts } from '../../src/gradients/outer-products';
import { normals } from '../../src/numerics/random';
import { assertClose } from '../support/close';

describe('the squared norm of a gradient, by the Gram form', () => {
  before(startBackend);

  for (const [t, B] of [
    [256, 1],
    [128, 1],
    [64, 2],
    [131, 1],
    [20, 1],
  ] as const) {
    it(`of ${B} images of ${t} positions is that of the gradient itself`, () => {
      const [images, i, o] = [2 * B, 512, 520];
      assert.ok(prefersGram(B * t, i, o));
      const held = tf.memory().numTensors;
      const random = (seed: number, width: number) =>
        tf.tensor3d(normals(seed, images * t * width), [images, t, width]); // [N, T, ·]
      const build = () => ({ x: random(1, i), dy: random(2, o) });
      const factors = new OuterProducts({
        operation: 'any',
        images,
        positions: t,
        inputs: i,
        outputs: o,
        build,
      });
      const [found, expected] = tf.tidy(() => {
        const gradient = factors.instantiate(B); // [2, I·O]
        return [
          factors.squaredNorms(B).dataSync(),
          tf.sum(tf.square(gradient), 1).dataSync(),
        ] as never;
      }) as [Float32Array, Float32Array];
      factors.dispose();
      assertClose([{ name: 'squared norm', actual: found, expected }]);
      assert.equal(tf.memory().numTensors, held);
    });
  }
});
