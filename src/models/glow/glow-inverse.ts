/**
 * # A step of a Glow, backwards
 *
 * Every part of a step can be inverted: the coupling, because its network sees only the half that
 * it leaves unchanged; the 1x1 convolution, by the inverse of its matrix, computed in float64; and
 * the actnorm.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { LuDecomposition, Matrix } from 'ml-matrix';
import { at, matMul, numbersOf, pair, shape4, tf } from '../../backend/index';
import { FisherlabError } from '../../errors';
import { couplingNetwork, luMatrices, Tape } from '../../gradients/index';
import type { Step } from './glow-tensors';

/** The input of a step whose output is `y`, [N, h, w, c]. */
export function inverseStep(step: Step, y: Tensor): Tensor {
  return tf.tidy(() => {
    const [n, h, w, c] = shape4(y, 'inverse of a step');
    const tape = new Tape();
    const [a, transformed] = pair(tf.split(y, 2, 3));
    const network = couplingNetwork(tape, tape.constant(a), step.hidden, step.last).tensor;
    // [N, h, w, c/2] each
    const [shift, raw] = pair(tf.unstack(tf.reshape(network, [n, h, w, c / 2, 2]), 4));
    const b = tf.sub(tf.div(transformed, tf.sigmoid(tf.add(raw, 2))), shift);
    const z = tf.reshape(tf.concat([a, b], 3), [n * h * w, c]); // [N·T, C]
    const inverse = tf.tensor2d(invertMatrix(numbersOf(luMatrices(tape, step.lu).W), c), [c, c]);
    const mixed = tf.reshape(matMul(z, inverse, false, true), [n, h, w, c]); // [N, h, w, C]
    return tf.sub(tf.mul(mixed, tf.exp(tf.neg(step.logs.variable))), step.bias.variable);
  });
}

/** Inverse of a c×c matrix in row-major order, in float64. */
function invertMatrix(matrix: ArrayLike<number>, c: number): Float32Array {
  const rows = Array.from({ length: c }, (_, i) =>
    Array.from({ length: c }, (_, j) => at(matrix, i * c + j)),
  );
  const lu = new LuDecomposition(new Matrix(rows));
  if (lu.isSingular())
    throw new FisherlabError(
      'a 1x1 convolution is singular',
      'its weights are damaged: load another checkpoint',
    );
  return Float32Array.from(lu.solve(Matrix.eye(c)).to1DArray());
}
