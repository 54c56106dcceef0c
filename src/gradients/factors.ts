/**
 * # Every parameter gradient is a sum of outer products
 *
 * For one image and one layer θ_j the gradient of `l = log p(x)` has the form
 *
 *     ∂l/∂θ_j = Σ_t x_t ⊗ dy_t,
 *
 * where x_t ∈ R^I is what flowed in and dy_t ∈ R^O what flowed back, at each of T positions t.
 *
 * A dense layer has T = 1; a convolution one position a pixel, with `x_t` the patch under the
 * kernel; a bias has I = 1 and `x_t = 1`. A tensor with a special rule (LU factors, standardised
 * weights) gives its per-image gradient directly: T = I = 1, `x = 1`. Constants from
 * log-determinants are part of each image's `dy`.
 *
 * Everything one wants of a gradient is a function of these two arrays, and the gradient of a
 * *joint* log-likelihood of B images needs nothing new: B images are one image with B·T positions
 * (reshape `[N, T, ·]` to `[N/B, B·T, ·]`).
 *
 * | implementation | for |
 * |---|---|
 * | `OuterProducts` | what the formula says: `x` and `dy` at every position |
 * | `DirectFactors` | a gradient that is given directly |
 * | `ConvolutionFactors`, `StandardisedFactors` | these two, with shortcuts of their operations |
 */
import type { Tensor } from '@tensorflow/tfjs';

/** What flowed in, [N, T, I], and what flowed back, [N, T, O]. */
export interface InAndBack {
  readonly x: Tensor;
  readonly dy: Tensor;
}

/**
 * The gradients of one layer for each image of a batch, in factored form. They live only while a
 * collector looks at them; call their functions inside a tidy.
 */
export interface Factors {
  /** The operation, for messages: `convolution`. */
  readonly operation: string;
  /** N. */
  readonly images: number;
  /** `x` and `dy` with B images as one: [N/B, B·T, ·]. */
  grouped(B: number): InAndBack;
  /** The gradient summed over all images, any shape of |θ| numbers in the layer's order. */
  total(): Tensor;
  /** The gradient of each group of B images, [N/B, |θ|]. */
  instantiate(B: number): Tensor;
  /**
   * The gradients of chosen weights for each image, [N, m]. `positions` are places in the layer's
   * flat tensor.
   */
  chosen(positions: readonly number[]): Tensor;
  /** Squared norm of the gradient of each group of B images, [N/B]. */
  squaredNorms(B: number): Tensor;
  /** Inner products between the gradients of all groups of B images (Gram matrix), [N/B, N/B]. */
  gram(B: number): Tensor;
  /** Computes now whatever depends on tensors that will soon be freed. */
  keep(): void;
  /** Frees what was made. Whoever hands factors to a collector calls it afterwards. */
  dispose(): void;
}
