/**
 * # Linear attention
 *
 *     y_t = W_outᵀ (contextᵀ q̂_t) + b,   context = Σ_t k̂_t v_tᵀ / T   for each head,
 *
 * q̂ a softmax over a head's d channels (times 1/√d), k̂ a softmax over the T positions (Shen et
 * al. 2021, arXiv 1812.01243). Queries, keys and values are made by one 1x1 convolution without a
 * bias, of E = heads·d channels each. That is several times as many as the image has, so most of
 * the time would go into passes over [N, T, E]. But everything behind the softmaxes is linear: with
 * X [T, C] the input,
 *
 *     B = K̂ᵀX,   context = mask ∘ (B W_v)/T,   M = context W_out/√d,   Y = Q̂ M + b,
 *
 * where the mask keeps the blocks of the heads. Values and the attention's output are never
 * computed; only Q̂ and the exponentials of the keys have T rows. The backward pass does the same:
 * with `A = Q̂ᵀ dY`
 *
 *     ∂l/∂W_out = contextᵀ A/√d,   dC = mask ∘ (A W_outᵀ)/(T√d),   ∂l/∂W_v = Bᵀ dC,   dB = dC W_vᵀ,
 *     dQ̂ = dY Mᵀ,   dK̂ = X dBᵀ,   Σ_t k̂ dk̂ = rows of B ∘ dB,   dX = dQ W_qᵀ + dK W_kᵀ + K̂ dB,
 *
 * and dQ, dK are those of a softmax, `ŝ ∘ (dŝ − Σ ŝ dŝ)`.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import { lengthOf, matMul, shape3, shape4, tf, triple } from '../../backend/index';
import { directFactors } from '../direct-factors';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';
import { biasFactors } from './bias';

export interface AttentionLayers {
  /** Queries, keys, values: a convolution [1, 1, C, 3·E]. */
  readonly qkv: Layer;
  /** [1, 1, E, C] and [C]. */
  readonly out: Layer;
  readonly bias: Layer;
}

/** `x` [N, H, W, C] to the same shape. */
export function linearAttention(
  tape: Tape,
  x: Value,
  { qkv, out, bias }: AttentionLayers,
  heads: number,
): Value {
  const [n, h, w, c] = shape4(x, 'linear attention');
  const t = h * w;
  const e = lengthOf(qkv.variable, 3) / 3;
  const d = e / heads;
  const scale = 1 / Math.sqrt(d);
  const rows = tf.reshape(x.tensor, [n * t, c]); // [N·T, C]
  const X = tf.reshape(x.tensor, [n, t, c]); // [N, T, C]
  const weights = () => triple(tf.split(tf.reshape(qkv.variable, [c, 3 * e]), 3, 1)); // [C, E] each
  const Wout = () => tf.reshape(out.variable, [e, c]); // [E, C]
  const times = (batch: Tensor, matrix: Tensor, transposed = false) => {
    const [images, r, k] = shape3(batch, 'linear attention');
    return tf.reshape(matMul(tf.reshape(batch, [images * r, k]), matrix, false, transposed), [
      images,
      r,
      -1,
    ]); // [N, R, ·]
  };

  const forward = tf.tidy(() => {
    const [Wq, Wk, Wv] = weights();
    const Qhat = tf.reshape(tf.softmax(tf.reshape(matMul(rows, Wq), [n * t * heads, d])), [
      n,
      t,
      e,
    ]); // [N, T, E]
    const keys = tf.reshape(matMul(rows, Wk), [n, t, e]); // [N, T, E]
    const exponentials = tf.exp(tf.sub(keys, tf.max(keys, 1, true)));
    const Z = tf.sum(exponentials, 1); // [N, E]
    const B = tf.div(matMul(exponentials, X, true), tf.expandDims(Z, 2)); // [N, E, C]
    const context = tf.mul(times(B, Wv), headMask(heads, d, 1 / t)); // [N, E, E]
    const M = tf.mul(times(context, Wout()), scale); // [N, E, C]
    const y = tf.reshape(tf.add(matMul(Qhat, M), bias.variable), [n, h, w, c]); // [N, H, W, C]
    return { y, Qhat, exponentials, Z, B, context, M };
  });
  const { y, Qhat, exponentials, Z, B, context, M } = forward;
  return tape.apply({
    inputs: [x],
    layers: [qkv, out, bias],
    output: y,
    saved: [X, Qhat, exponentials, Z, B, context, M],
    back(dy) {
      const dY = tf.reshape(dy, [n, t, c]); // [N, T, C]
      const [Wq, Wk, Wv] = weights();
      const A = matMul(Qhat, dY, true); // [N, E, C]
      const dC = tf.mul(times(A, Wout(), true), headMask(heads, d, scale / t)); // [N, E, E]
      const dB = times(dC, Wv, true); // [N, E, C]
      const perKey = tf.div(dB, tf.expandDims(Z, 2)); // [N, E, C]
      const along = tf.expandDims(tf.sum(tf.mul(perKey, B), 2), 1); // [N, 1, E]
      const dK = tf.mul(exponentials, tf.sub(matMul(X, perKey, false, true), along)); // [N, T, E]
      const rows = [n * t * heads, d];
      const weighted = tf.reshape(tf.mul(Qhat, matMul(dY, M, false, true)), rows); // [N·T·heads, d]
      const sums = tf.sum(weighted, 1, true); // [N·T·heads, 1]
      const centred = tf.sub(weighted, tf.mul(tf.reshape(Qhat, rows), sums)); // [N·T·heads, d]
      const dQ = tf.reshape(centred, [n, t, e]); // [N, T, E]

      const direct = (make: () => Tensor) => directFactors('linear attention', n, make);
      tape.gradient(
        qkv,
        direct(() => {
          const [ofQ, ofK, ofV] = [matMul(X, dQ, true), matMul(X, dK, true), matMul(B, dC, true)];
          return tf.concat([ofQ, ofK, ofV], 2); // [N, C, 3·E]
        }),
      );
      tape.gradient(
        out,
        direct(() => tf.mul(matMul(context, A, true), scale)), // [N, E, C]
      );
      tape.gradient(bias, biasFactors('linear attention', dY));
      if (!x.needed) return [null];
      const throughV = matMul(exponentials, perKey); // [N, T, C]
      const dX = tf.addN([times(dQ, Wq, true), times(dK, Wk, true), throughV]); // [N, T, C]
      return [tf.reshape(dX, [n, h, w, c])]; // [N, H, W, C]
    },
  });
}

/**
 * `value` where row and column belong to the same head of d channels, else 0; [heads·d, heads·d].
 */
function headMask(heads: number, d: number, value: number): Tensor2D {
  const e = heads * d;
  const same = (k: number) => Math.floor(Math.floor(k / e) / d) === Math.floor((k % e) / d);
  return tf.tensor2d(
    Float32Array.from({ length: e * e }, (_, k) => (same(k) ? value : 0)),
    [e, e],
  );
}
