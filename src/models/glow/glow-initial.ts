/**
 * # The initial values of a Glow
 *
 * A 1x1 convolution begins as a random rotation (Kingma & Dhariwal 2018, arXiv 1807.03039, §3.2),
 * so its log-determinant is 0. The rotation is factored into the parts that are learned, `Q = P L
 * U`, where P and the signs of U's diagonal stay fixed. An actnorm begins so that its outputs have
 * mean 0 and deviation 1 in every channel on the first batch (§3.1).
 */
import type { Tensor } from '@tensorflow/tfjs';
import { LuDecomposition, Matrix, QrDecomposition } from 'ml-matrix';
import { normals, numberOf, tf } from '../../backend/index';
import { FisherlabError } from '../../errors';
import type { Layer } from '../../gradients/index';

/**
 * A random rotation Q (of a Gaussian matrix's QR) as `Q = P L U`, the parts as the 1x1 convolution
 * keeps them, row-major.
 */
export function luOfRandomRotation(
  c: number,
  seed: number,
): Record<'P' | 'signs' | 'lower' | 'upper' | 'logs', Float32Array> {
  const gaussian = normals(seed, c * c);
  const Q = new QrDecomposition(Matrix.from1DArray(c, c, gaussian)).orthogonalMatrix;
  const lu = new LuDecomposition(Q);
  const U = lu.upperTriangularMatrix;
  const P = new Float32Array(c * c);
  lu.pivotPermutationVector.forEach((row, k) => {
    P[row * c + k] = 1;
  });
  const part = (matrix: Matrix, keep: (row: number, column: number) => boolean) =>
    Float32Array.from(matrix.to1DArray(), (value, k) =>
      keep(Math.floor(k / c), k % c) ? value : 0,
    );
  return {
    P,
    signs: Float32Array.from(U.diagonal(), Math.sign),
    lower: part(lu.lowerTriangularMatrix, (row, column) => row > column),
    upper: part(U, (row, column) => row < column),
    logs: Float32Array.from(U.diagonal(), (value) => Math.log(Math.abs(value))),
  };
}

/** Sets actnorm so that `x` comes out with mean 0 and deviation 1 in every channel. */
export function normaliseBy(bias: Layer, logs: Layer, x: Tensor): void {
  tf.tidy(() => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    const smallest = numberOf(tf.min(variance));
    if (!(smallest > 0)) {
      throw new FisherlabError(
        `a channel of the input of '${bias.name}' is constant on the first batch`,
        'initialise from more or other images',
      );
    }
    bias.variable.assign(tf.neg(mean));
    logs.variable.assign(tf.neg(tf.log(tf.add(tf.sqrt(variance), 1e-6))));
  });
}
