/**
 * # Invertible 1x1 convolution in LU form
 *
 *     z_t = W y_t,   W = P (l∘M + I) (u∘Mᵀ + diag(sign · e^{s})),   log|det| = T · Σ s
 *
 * `P` is a fixed permutation, `M` the mask of the strictly lower triangle; `l` and `u` are full
 * matrices of which the masked part counts (Kingma & Dhariwal 2018, §3.2). With `G = Σ_t dz_t y_tᵀ`
 * the gradient of `W` for one image, `L` and `U` the two triangular factors, and `dlog` what flowed
 * back to the log-determinant:
 *
 *     ∂l/∂l = M ∘ (Pᵀ G Uᵀ),   ∂l/∂u = Mᵀ ∘ (Lᵀ Pᵀ G),
 *     ∂l/∂s = diag(Lᵀ Pᵀ G) · sign · e^{s} + T · dlog.
 *
 * The three tensors are not outer products of anything, but G is small (C×C), so their per-image
 * gradients are given outright.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, matMul, shape4, tf } from '../../backend/index';
import { ByGroup } from '../by-group';
import { groupFactors } from '../direct-factors';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';

export interface LuLayers {
  /** [C, C], of which the strictly lower triangle counts. */
  readonly lower: Layer;
  /** [C, C], of which the strictly upper triangle counts. */
  readonly upper: Layer;
  /** [C] */
  readonly logs: Layer;
  /** The fixed permutation matrix, [C, C]. */
  readonly P: Layer;
  /** Fixed: +1 or −1 for each channel, [C]. */
  readonly signs: Layer;
}

/** W and what the way back needs, [C, C] each. */
export interface LuMatrices {
  readonly W: Tensor;
  readonly L: Tensor;
  readonly U: Tensor;
  /** diag(sign · e^s), the diagonal of U. */
  readonly D: Tensor;
  /** The masks of the strictly lower and the strictly upper triangle. */
  readonly below: Tensor;
  readonly above: Tensor;
}

/** The factors of W. The caller frees them (they are made in its tidy). */
export function luMatrices(tape: Tape, { lower, upper, logs, P, signs }: LuLayers): LuMatrices {
  const c = signs.variable.size;
  const square = (layer: Layer) => (c > 1 ? layer.variable : tf.reshape(layer.variable, [1, 1]));
  const below = tape.memo(`strictly lower ${c}`, () => triangle(c, (row, column) => column < row));
  const above = tape.memo(`strictly upper ${c}`, () => triangle(c, (row, column) => column > row));
  const eye = tape.memo(`diagonal ${c}`, () => triangle(c, (row, column) => column === row));
  const L = tf.add(tf.mul(square(lower), below), eye);
  const D = tf.mul(eye, tf.mul(signs.variable, tf.exp(logs.variable)));
  const U = tf.add(tf.mul(square(upper), above), D);
  return {
    W: matMul(square(P), matMul(L, U)),
    L,
    U,
    D,
    below,
    above,
  };
}

/** `x` [N, H, W, C] to the mixed channels, of the same shape, and the log-determinant [N]. */
export function luConvolution(tape: Tape, x: Value, layers: LuLayers): { z: Value; logDet: Value } {
  const [n, h, w, c] = shape4(x, 'LU convolution');
  const flat = tf.reshape(x.tensor, [n * h * w, c]); // [N·T, C]
  const matrices = luMatrices(tape, layers);
  const { W, L, U, D } = matrices;
  const { z, logDet } = tf.tidy(() => ({
    z: tf.reshape(matMul(flat, W, false, true), [n, h, w, c]), // [N, H, W, C]
    logDet: tf.fill([n], 0).add(tf.mul(tf.sum(layers.logs.variable), h * w)), // [N]
  }));
  const [mixed, determinant] = tape.apply({
    inputs: [x],
    layers: [layers.lower, layers.logs, layers.upper],
    output: [z, logDet],
    saved: [flat, W, L, U, D],
    back([dz, dlog]) {
      // Σ_t dz_t y_tᵀ of every group, [N/B, C, C].
      const outer = (B: number) => matMul(positionsOf(dz, B), positionsOf(flat, B, n), true);
      const G = new ByGroup(outer);
      try {
        luGradients(tape, layers, matrices, n, G, dlog, h * w);
      } finally {
        G.dispose();
      }
      return [
        x.needed ? tf.reshape(matMul(tf.reshape(dz, [n * h * w, c]), W), [n, h, w, c]) : null,
      ]; // [N, H, W, C]
    },
  });
  return { z: mixed, logDet: determinant };
}

/** `z` [N, …, C] with B of its `images` as one: [N/B, B·T, C]. */
export function positionsOf(z: Tensor, B: number, images = lengthOf(z)): Tensor {
  const c = lengthOf(z, -1);
  const positions = images === 0 ? 0 : (B * z.size) / (images * c);
  return tf.reshape(z, [images / B, positions, c]); // [N/B, B·T, C]
}

/**
 * What the log-determinant, `positions` times a sum of scales, adds to the gradient of each of
 * these, for groups of B images: [N/B, 1].
 */
export function ofLogDeterminant(dlog: Tensor, positions: number, B: number): Tensor {
  return tf.mul(tf.sum(tf.reshape(dlog, [dlog.size / B, B]), 1, true), positions); // [N/B, 1]
}

/**
 * Hands the gradients of the three tensors on, from that of W, `G` [N/B, C, C], and of the
 * log-determinant, `dlog` [N].
 */
export function luGradients(
  tape: Tape,
  layers: LuLayers,
  { L, U, D, below, above }: LuMatrices,
  images: number,
  G: ByGroup,
  dlog: Tensor,
  positions: number,
): void {
  const P = tf.reshape(layers.P.variable, [1, ...L.shape]); // [1, C, C]
  const PG = new ByGroup((B) => matMul(P, G.of(B), true)); // [N/B, C, C]
  const LPG = new ByGroup((B) => matMul(tf.expandDims(L, 0), PG.of(B), true)); // [N/B, C, C]
  const direct = (gradient: (B: number) => Tensor) =>
    groupFactors('LU convolution', images, gradient);
  try {
    tape.gradient(
      layers.lower,
      direct((B) => {
        const flat = tf.reshape(PG.of(B), [-1, lengthOf(L)]); // [N/B·C, C]
        const product = matMul(flat, U, false, true); // [N/B·C, C]
        return tf.mul(tf.reshape(product, PG.of(B).shape), below); // [N/B, C, C]
      }),
    );
    tape.gradient(
      layers.logs,
      direct((B) => {
        const diagonal = tf.sum(tf.mul(LPG.of(B), D), 2); // [N/B, C]
        return tf.add(diagonal, ofLogDeterminant(dlog, positions, B)); // [N/B, C]
      }),
    );
    tape.gradient(
      layers.upper,
      direct((B) => tf.mul(LPG.of(B), above)), // [N/B, C, C]
    );
  } finally {
    PG.dispose();
    LPG.dispose();
  }
}

/** Ones where `test` holds, else zeros, [C, C]. */
function triangle(c: number, test: (row: number, column: number) => boolean): Tensor {
  return tf.tensor2d(
    Float32Array.from({ length: c * c }, (_, k) => (test(Math.floor(k / c), k % c) ? 1 : 0)),
    [c, c],
  );
}
