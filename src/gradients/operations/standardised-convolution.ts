/**
 * # Weight-standardised convolution
 *
 *     y = conv(x, ŵ) + b,   ŵ_o = (w_o − mean(w_o)) · r_o,   r_o = 1 / √(var(w_o) + ε)
 *
 * each output channel's filter w_o, of P numbers, shifted and scaled to mean 0 and variance 1 (Qiao
 * et al. 2019, arXiv 1903.10520). Here the convolution is with the *centred* filter `v = w − mean`,
 * and r is a scale of the channels behind it. With `u = conv(x, v)`, `du` what flows back to u, and
 * `G_o = ∂l/∂v_o = Σ_t patch_t du_to`, the chain rule through mean and variance is
 *
 *     ∂l/∂w_o = G_o − (1ᵀG_o)/P − v_o · r_o² β_o / P,   β_o = v_oᵀ G_o = Σ_t du_to u_to,
 *
 * a projection that takes out what would only shift or scale w_o. So squared norms need G in no
 * other form than a plain convolution does (Gram or instantiated): with
 * `α_o = 1ᵀG_o = Σ_t (sum of patch_t) du_to` and `1ᵀv_o = 0`
 *
 *     ‖∂l/∂w_o‖² = ‖G_o‖² − α_o² / P − β_o² r_o² (2 − r_o² var_o) / P.
 */
import type { Tensor } from '@tensorflow/tfjs';
import {
  convolve,
  convolveFilterGrad,
  convolveInputGrad,
  matMul,
  type Shape4,
  tf,
  type Window,
} from '../../backend/index';
import { Factors } from '../factors';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';
import { biasFactors, convolutionFactors, sumOverPositions } from './convolution';

const EPSILON = 1e-5;

/** A filter, centred, and its scales. */
export interface Standardised {
  /** `v`, [k, k, I, O]. */
  readonly centred: Tensor;
  /** `r`, [O]. */
  readonly inverse: Tensor;
  /** [O] */
  readonly variance: Tensor;
}

export function standardise(filter: Tensor): Standardised {
  const centred = tf.sub(filter, tf.mean(filter, [0, 1, 2]));
  const variance = tf.mean(tf.square(centred), [0, 1, 2]);
  return { centred, variance, inverse: tf.rsqrt(tf.add(variance, EPSILON)) };
}

/** The window of a convolution with odd kernel k, stride 1, output as large as the input. */
export function sameWindow(filter: Tensor): Window {
  const [k] = filter.shape as Shape4;
  return { kernel: [k, k], stride: 1, pad: (k - 1) / 2 };
}

/**
 * `x` [N, H, W, I] to [N, H, W, O]; `weight` [k, k, I, O] with odd k, zero padding k/2; `bias` [O].
 */
export function standardisedConvolution(tape: Tape, x: Value, weight: Layer, bias: Layer): Value {
  const input = x.tensor;
  const window = sameWindow(weight.variable);
  const { y, u, filter } = tf.tidy(() => {
    const filter = standardise(weight.variable);
    const u = convolve(input, filter.centred, window);
    return { y: tf.add(tf.mul(u, filter.inverse), bias.variable), u, filter: { ...filter } };
  });
  const [output] = tape.record(
    [x],
    [weight, bias],
    [y],
    [input, u, ...Object.values(filter)],
    (dy) => {
      const du = tf.mul(dy as Tensor, filter.inverse);
      const beta = sumOverPositions(tf.mul(du, u)); // [N, O]
      tape.gradient(weight, new StandardisedFactors(input, du, beta, filter));
      tape.gradient(bias, biasFactors('standardised convolution', dy as Tensor));
      return [
        x.needed ? convolveInputGrad(du, filter.centred, input.shape as Shape4, window) : null,
      ];
    },
  );
  return output as Value;
}

/**
 * The gradient of a standardised filter: squared norms in closed form, everything else from the
 * gradient of each image outright.
 */
export class StandardisedFactors extends Factors {
  private readonly plain: Factors;

  /** From `x` [N, H, W, I], `du` [N, H, W, O] and `beta` = Σ_t du u, [N, O]. */
  constructor(
    private readonly input: Tensor,
    private readonly du: Tensor,
    private readonly beta: Tensor,
    private readonly filter: Standardised,
  ) {
    const operation = 'standardised convolution';
    const images = input.shape[0] as number;
    const shape = filter.centred.shape as Shape4;
    const size = shape[0] * shape[1] * shape[2];
    const plain = convolutionFactors(operation, input, du, shape, sameWindow(filter.centred));
    super({
      operation,
      images,
      positions: 1,
      inputs: 1,
      outputs: size * shape[3],
      build: () => {
        const gradient = project(
          tf.reshape(plain.instantiate(1), [images, size, shape[3]]),
          beta,
          filter,
        ); // [N, P, O]
        return { x: tf.ones([images, 1, 1]), dy: tf.reshape(gradient, [images, 1, -1]) }; // [N, 1, 1], [N, 1, P·O]
      },
      total: () => {
        const gradient = convolveFilterGrad(input, du, shape, sameWindow(filter.centred));
        return project(tf.reshape(gradient, [1, size, shape[3]]), tf.sum(beta, 0, true), filter); // [1, P, O]
      },
    });
    this.plain = plain;
  }

  override squaredNorms(B: number): Tensor {
    return tf.tidy(() => {
      const { centred, inverse, variance } = this.filter;
      const [kh, kw, i, o] = centred.shape as Shape4;
      const [n, h, w] = this.input.shape as Shape4;
      const ofGroups = (z: Tensor) => tf.sum(tf.reshape(z, [n / B, B, o]), 1); // [N/B, O]
      const patchSums = convolve(
        tf.sum(this.input, 3, true),
        tf.ones([kh, kw, 1, 1]),
        sameWindow(centred),
      ); // [N, H, W, 1]
      const alpha = matMul(
        tf.reshape(patchSums, [n, 1, h * w]),
        tf.reshape(this.du, [n, h * w, o]),
      ); // [N, 1, O]
      const scale = tf.mul(tf.square(inverse), tf.sub(2, tf.mul(tf.square(inverse), variance))); // [O]
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
  const [, size, o] = gradient.shape as [number, number, number];
  const scale = tf.div(tf.mul(along, tf.square(inverse)), size); // [G, O]
  const shrunk = tf.mul(tf.reshape(centred, [1, size, o]), tf.expandDims(scale, 1)); // [G, P, O]
  return tf.sub(tf.sub(gradient, tf.mean(gradient, 1, true)), shrunk);
}
