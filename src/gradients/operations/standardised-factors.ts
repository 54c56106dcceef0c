/**
 * # Factors of a standardised filter
 *
 * With `G_o = ∂l/∂v_o = Σ_t patch_t du_to` the gradient of the centred filter v (of P numbers an
 * output channel), r its scale and `β_o = v_oᵀ G_o = Σ_t du_to u_to`, the chain rule through mean
 * and variance of the filter is
 *
 *     ∂l/∂w_o = G_o − (1ᵀG_o)/P − v_o · r_o² β_o / P,
 *
 * a projection that removes what would only shift or scale w_o. So squared norms need G in the same
 * two forms as a plain convolution (Gram or instantiated): with
 * `α_o = 1ᵀG_o = Σ_t (sum of patch_t) du_to` and `1ᵀv_o = 0`
 *
 *     ‖∂l/∂w_o‖² = ‖G_o‖² − α_o² / P − β_o² r_o² (2 − r_o² var_o) / P.
 */
import type { Tensor } from '@tensorflow/tfjs';
import {
  convolve,
  convolveFilterGrad,
  lengthOf,
  matMul,
  type Shape4,
  shape3,
  shape4,
  tf,
  type Window,
} from '../../backend/index';
import { DirectFactors } from '../direct-factors';
import type { OuterProducts } from '../outer-products';
import { convolutionFactors } from './convolution-factors';

/** A filter, centred, and its scales. */
export interface Standardised {
  /** `v`, [k, k, I, O]. */
  readonly centred: Tensor;
  /** `r`, [O]. */
  readonly inverse: Tensor;
  /** [O] */
  readonly variance: Tensor;
}

/** Squared norms in closed form, everything else from the gradient of each image outright. */
export class StandardisedFactors extends DirectFactors {
  private readonly plain: OuterProducts;
  private readonly shape: Shape4;

  /**
   * From `input` [N, H, W, I], `du` [N, H, W, O] and `beta` = Σ_t du u, [N, O]; `window` is that of
   * the convolution.
   */
  constructor(
    private readonly input: Tensor,
    private readonly du: Tensor,
    private readonly beta: Tensor,
    private readonly filter: Standardised,
    private readonly window: Window,
  ) {
    const operation = 'standardised convolution';
    const images = lengthOf(input);
    const shape = shape4(filter.centred, operation);
    const [kh, kw, i, o] = shape;
    const size = kh * kw * i;
    const plain = convolutionFactors(operation, input, du, shape, window);
    super(
      operation,
      images,
      () => project(tf.reshape(plain.instantiate(1), [images, size, o]), beta, filter), // [N, P, O]
      {
        total: () => {
          const gradient = convolveFilterGrad(input, du, shape, window);
          const summed = tf.reshape(gradient, [1, size, o]); // [1, P, O]
          return project(summed, tf.sum(beta, 0, true), filter); // [1, P, O]
        },
      },
    );
    this.plain = plain;
    this.shape = shape;
  }

  override squaredNorms(B: number): Tensor {
    return tf.tidy(() => {
      const { inverse, variance } = this.filter;
      const [kh, kw, i, o] = this.shape;
      const [n, h, w] = shape4(this.input, this.operation);
      const ofGroups = (z: Tensor) => tf.sum(tf.reshape(z, [n / B, B, o]), 1); // [N/B, O]
      const overChannels = tf.sum(this.input, 3, true); // [N, H, W, 1]
      const ones = tf.ones([kh, kw, 1, 1]);
      const patchSums = convolve(overChannels, ones, this.window); // [N, H', W', 1]
      const alpha = matMul(
        tf.reshape(patchSums, [n, 1, h * w]),
        tf.reshape(this.du, [n, h * w, o]),
      ); // [N, 1, O]
      const squared = tf.square(inverse); // [O]
      const scale = tf.mul(squared, tf.sub(2, tf.mul(squared, variance))); // [O]
      const taken = tf.add(
        tf.square(ofGroups(alpha)),
        tf.mul(tf.square(ofGroups(this.beta)), scale),
      ); // [N/B, O]
      return tf.relu(tf.sub(this.plain.squaredNorms(B), tf.div(tf.sum(taken, 1), kh * kw * i)));
    });
  }

  override dispose(): void {
    this.plain.dispose();
    super.dispose();
  }
}

/** ∂l/∂w from ∂l/∂v, `gradient` [G, P, O], and β, `along` [G, O]; [G, P, O]. */
function project(gradient: Tensor, along: Tensor, { centred, inverse }: Standardised): Tensor {
  const [, size, o] = shape3(gradient, 'projection');
  const scale = tf.div(tf.mul(along, tf.square(inverse)), size); // [G, O]
  const shrunk = tf.mul(tf.reshape(centred, [1, size, o]), tf.expandDims(scale, 1)); // [G, P, O]
  return tf.sub(tf.sub(gradient, tf.mean(gradient, 1, true)), shrunk);
}
