/**
 * # The Gram form of a squared norm
 *
 *     ‖Σ_t x_t dy_tᵀ‖²_F = Σ_{t,s} (x_t·x_s)(dy_t·dy_s)  (eq:gram-form)
 *
 * (Bu et al. 2022, arXiv 2205.10683): the norm of a gradient from two T×T matrices, without the
 * gradient itself. `outer-products.ts` uses it where it is the cheaper form.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, matMul, pair, shape3, tf } from '../backend/index';

/**
 * Passing one number through memory costs about as much as this many multiply-adds (both forms of
 * [128, 64, 64] and [128, 64, 216] timed: below 30).
 */
const MEMORY_COST = 20;

type Pair = readonly [Tensor, Tensor];

/**
 * From so many positions on the halves of a Gram matrix are worth the copies that they are taken
 * from.
 */
const WORTH_HALVES = 128;

/**
 * `Σ_{t,s} (x_t·x_s)(dy_t·dy_s)` of `x` [G, T, I] and `dy` [G, T, O], [G]. Both matrices are
 * symmetric: of the two blocks beside the diagonal one is enough, and so on within the blocks on
 * it.
 */
export function gramNorms(x: Tensor, dy: Tensor): Tensor {
  const [groups, t] = shape3(x, 'Gram form');
  if (t < WORTH_HALVES || t % 2 !== 0) return sumsOfProducts([x, x], [dy, dy]);
  const halves = (z: Tensor) => pair(tf.split(z, 2, 1)); // [G, T/2, ·] each
  const beside = sumsOfProducts(halves(x), halves(dy)); // [G]
  const blocks = (z: Tensor) => tf.reshape(z, [2 * groups, t / 2, -1]); // [2G, T/2, ·]
  const onDiagonal = tf.sum(tf.reshape(gramNorms(blocks(x), blocks(dy)), [groups, 2]), 1); // [G]
  return tf.add(onDiagonal, tf.mul(beside, 2));
}

/** `Σ_{t,s} (x_t·x'_s)(dy_t·dy'_s)` of pairs of `x` [G, T, I] and `dy` [G, T, O], [G]. */
function sumsOfProducts([x1, x2]: Pair, [dy1, dy2]: Pair): Tensor {
  const products = tf.mul(matMul(x1, x2, false, true), matMul(dy1, dy2, false, true)); // [G, T, T]
  return tf.sum(tf.reshape(products, [lengthOf(x1), -1]), 1); // [G]
}

/**
 * Whether the Gram form costs less than instantiating the gradient, for T positions of I inputs and
 * O outputs.
 */
export function prefersGram(t: number, i: number, o: number): boolean {
  return t * t * (i + o + 4 * MEMORY_COST) < i * o * (t + 2 * MEMORY_COST);
}
