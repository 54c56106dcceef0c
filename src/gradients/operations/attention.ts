/**
 * # Attention
 *
 *     y = softmax( q kᵀ / √d ) v     for each head
 *
 * every position looks at every other (Vaswani et al. 2017, arXiv 1706.03762). It costs T² for T
 * positions, so it is meant for small maps. It has no layers of its own: the 1x1 convolutions
 * around it are ordinary ones. With `P` the softmax,
 *
 *     dv = Pᵀ dy,   dP = dy vᵀ,   dS = P ∘ (dP − Σ P dP),   dq = dS k/√d,   dk = dSᵀ q/√d.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { matMul, shape4, tf, triple } from '../../backend/index';
import type { Tape, Value } from '../tape';

/** Queries, keys and values, `qkv` [N, H, W, 3·heads·d], to [N, H, W, heads·d]. */
export function attention(tape: Tape, qkv: Value, heads: number): Value {
  const [n, h, w, channels] = shape4(qkv, 'attention');
  const [t, e] = [h * w, channels / 3];
  const d = e / heads;
  const scale = 1 / Math.sqrt(d);
  // [N, H, W, E] to [N, heads, T, d], and back.
  const byHead = (x: Tensor) => tf.transpose(tf.reshape(x, [n, t, heads, d]), [0, 2, 1, 3]);
  const together = (x: Tensor) => tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [n, h, w, e]);
  const { y, q, k, v, P } = tf.tidy(() => {
    const [q, k, v] = triple(tf.split(qkv.tensor, 3, 3).map(byHead));
    const P = tf.softmax(tf.mul(matMul(q, k, false, true), scale)); // [N, heads, T, T]
    return { y: together(matMul(P, v)), q, k, v, P };
  });
  return tape.apply({
    inputs: [qkv],
    output: y,
    saved: [q, k, v, P],
    back(dy) {
      const dHeads = byHead(dy);
      const weighted = tf.mul(P, matMul(dHeads, v, false, true));
      const sums = tf.sum(weighted, 3, true); // [N, heads, T, 1]
      const dS = tf.mul(tf.sub(weighted, tf.mul(P, sums)), scale); // [N, heads, T, T]
      return [
        tf.concat([matMul(dS, k), matMul(dS, q, true), matMul(P, dHeads, true)].map(together), 3),
      ]; // [N, H, W, 3·E]
    },
  });
}
