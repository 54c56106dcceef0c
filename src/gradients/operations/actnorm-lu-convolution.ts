/**
 * # Activation normalisation and 1x1 convolution in one
 *
 * The linear part of a step of Glow, `z = W ((x + b) · eˢ)`, is one affine map of the channels:
 * `z = M x + W(b·eˢ)` with `M = W diag(eˢ)`, a single product of matrices. In the backward pass the
 * gradients of all five tensors follow from two small sums over the positions of an image, or of a
 * group of images, `Σ_t dz_t x_tᵀ` and `g = Σ_t dz_t`:
 *
 *     G = ∂l/∂W = (Σ_t dz_t x_tᵀ + g bᵀ) diag(eˢ),
 *     ∂l/∂b = eˢ · Wᵀ g,   ∂l/∂s = colsum(W ∘ G) + T · dlog,
 *
 * and the LU factors follow from G as in `lu-convolution`. (`∂l/∂s` uses
 * `Σ_t (Wᵀdz_t)_c y_tc = Σ_o W_oc G_oc`.)
 */
import { matMul, shape4, tf } from '../../backend/index';
import { ByGroup } from '../by-group';
import { groupFactors } from '../direct-factors';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';
import {
  type LuLayers,
  luGradients,
  luMatrices,
  ofLogDeterminant,
  positionsOf,
} from './lu-convolution';

/**
 * `x` [N, H, W, C] to the same shape, and the log-determinant of both parts [N]. `bias` and `logs`
 * are actnorm's, [C].
 */
export function actnormLuConvolution(
  tape: Tape,
  x: Value,
  bias: Layer,
  logs: Layer,
  lu: LuLayers,
): { z: Value; logDet: Value } {
  const [n, h, w, c] = shape4(x, 'actnorm and LU convolution');
  const positions = h * w;
  const flat = tf.reshape(x.tensor, [n * positions, c]); // [N·T, C]
  const matrices = luMatrices(tape, lu);
  const { W, L, U, D } = matrices;
  const scale = tf.exp(logs.variable);
  const M = tf.mul(W, scale);
  const { z, logDet } = tf.tidy(() => {
    const shift = matMul(W, tf.reshape(tf.mul(bias.variable, scale), [c, 1])); // [C, 1]
    const moved = tf.add(matMul(flat, M, false, true), tf.reshape(shift, [c])); // [N·T, C]
    return {
      z: tf.reshape(moved, [n, h, w, c]), // [N, H, W, C]
      logDet: tf
        .fill([n], 0)
        .add(tf.mul(tf.add(tf.sum(logs.variable), tf.sum(lu.logs.variable)), positions)), // [N]
    };
  });
  const [mixed, determinant] = tape.apply({
    inputs: [x],
    layers: [bias, logs, lu.lower, lu.logs, lu.upper],
    output: [z, logDet],
    saved: [flat, M, W, L, U, D, scale],
    back([dz, dlog]) {
      const sums = new ByGroup((B) => tf.sum(positionsOf(dz, B), 1)); // [N/B, C]
      const G = new ByGroup((B) => {
        const outer = matMul(positionsOf(dz, B), positionsOf(flat, B, n), true); // [N/B, C, C]
        const ofBias = tf.mul(tf.expandDims(sums.of(B), 2), bias.variable); // [N/B, C, C]
        return tf.mul(tf.add(outer, ofBias), scale); // [N/B, C, C]
      });
      try {
        tape.gradient(
          bias,
          groupFactors('actnorm', n, (B) => tf.mul(matMul(sums.of(B), W), scale)), // [N/B, C]
        );
        tape.gradient(
          logs,
          groupFactors('actnorm', n, (B) =>
            tf.add(tf.sum(tf.mul(G.of(B), W), 1), ofLogDeterminant(dlog, positions, B)),
          ), // [N/B, C]
        );
        luGradients(tape, lu, matrices, n, G, dlog, positions);
      } finally {
        sums.dispose();
        G.dispose();
      }
      return [
        x.needed ? tf.reshape(matMul(tf.reshape(dz, [n * positions, c]), M), [n, h, w, c]) : null,
      ]; // [N, H, W, C]
    },
  });
  return { z: mixed, logDet: determinant };
}
