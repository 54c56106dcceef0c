import assert from 'node:assert/strict';
import {
  at,
  lengthOf,
  matrix,
  numberOf,
  numbersOf,
  pair,
  shape2,
  shape3,
  shape4,
  tensor4,
  triple,
} from '../../src/backend/checked';
import { startBackend, tf } from '../../src/backend/start';

describe('shapes and lists that are checked', () => {
  before(() => startBackend());

  it('give as many lengths as were asked for, or name the operation and the shape', () => {
    const shaped = (...shape: number[]) => ({ shape });
    assert.deepEqual(shape2(shaped(2, 3), 'dense'), [2, 3]);
    assert.deepEqual(shape3(shaped(2, 3, 0), 'factors'), [2, 3, 0]);
    assert.deepEqual(shape4(shaped(1, 2, 3, 4), 'coupling'), [1, 2, 3, 4]);
    for (const [wrong, message] of [
      [() => shape2(shaped(2, 3, 4), 'dense'), /dense takes a tensor of 2 axes, .* \[2,3,4\]/],
      [() => shape3(shaped(2, 3), 'factors'), /factors takes a tensor of 3 axes/],
      [() => shape4(shaped(1, 2, 3, 4, 5), 'coupling'), /coupling takes a tensor of 4 axes/],
      [() => matrix(tf.zeros([2]), 'product'), /product takes a tensor of 2 axes/],
      [() => tensor4(tf.zeros([2]), 'convolution'), /convolution takes a tensor of 4 axes/],
      [() => lengthOf(shaped(2, 3), 2), /shape \[2,3\] has no axis 2/],
    ] as const)
      assert.throws(() => tf.tidy(() => void wrong()), message);
    assert.deepEqual([lengthOf(shaped(2, 3)), lengthOf(shaped(2, 3), -1)], [2, 3]);
  });

  it('give existing entries, including zeros', () => {
    assert.equal(at(Float32Array.of(0, 5), 0), 0);
    assert.throws(() => at([1, 2], 2), /a list of 2 has no entry 2/);
    assert.deepEqual(pair(['a', 'b']), ['a', 'b']);
    assert.deepEqual(triple([0, 0, 1]), [0, 0, 1]);
    assert.throws(() => pair([1, 2, 3]), /a list of 3 is not a pair/);
    assert.throws(() => triple([1, 2]), /a list of 2 is not a triple/);
  });

  it('give numbers of float32 tensors only, and one number of one', () => {
    tf.tidy(() => {
      assert.deepEqual(numbersOf(tf.tensor1d([1, 2])), Float32Array.of(1, 2));
      assert.equal(numberOf(tf.tensor2d([[7]])), 7);
      assert.throws(() => numberOf(tf.tensor1d([1, 2])), /of shape \[2\] is not one number/);
      assert.throws(() => numbersOf(tf.tensor1d([1, 2], 'int32')), /int32 is not float32/);
    });
  });
});
