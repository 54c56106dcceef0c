import assert from 'node:assert/strict';
import { convolutionWithBias } from '../../src/backend/convolution-with-bias';
import { startBackend, tf } from '../../src/backend/start';
import { normals } from '../../src/numerics/random';

describe('convolution with a bias', () => {
  before(async function () {
    if ((await startBackend()).name !== 'tensorflow') this.skip();
  });

  for (const [padding, stride, kernel] of [
    ['same', 1, 3],
    ['valid', 2, 4],
    ['valid', 1, 1],
  ] as const) {
    it(`adds it to the same numbers as TensorFlow.js does afterwards (${kernel}x${kernel}, ${padding}, stride ${stride})`, () => {
      tf.tidy(() => {
        const x = tf.tensor4d(normals(1, 3 * 7 * 6 * 5), [3, 7, 6, 5]);
        const filter = tf.tensor4d(normals(2, kernel * kernel * 5 * 4), [kernel, kernel, 5, 4]);
        const bias = tf.tensor1d(normals(3, 4));
        const fused = convolutionWithBias(x, filter, bias, stride, padding);
        assert.ok(fused, 'the library of this project has the operation');
        const apart = tf.add(tf.conv2d(x, filter, stride, padding), bias);
        assert.deepEqual(fused.shape, apart.shape);
        assert.ok((tf.max(tf.abs(tf.sub(fused, apart))).dataSync()[0] as number) < 1e-5);
      });
    });
  }

  it('is not used while TensorFlow.js differentiates, which knows only its own operations', () => {
    tf.tidy(() => {
      const ones = tf.ones([1, 2, 2, 1]) as tf.Tensor4D;
      let fused: unknown;
      tf.grad((x) => {
        fused = convolutionWithBias(x, tf.ones([1, 1, 1, 1]), tf.ones([1]), 1, 'same');
        return tf.square(x);
      })(ones);
      assert.equal(fused, null);
    });
  });
});
