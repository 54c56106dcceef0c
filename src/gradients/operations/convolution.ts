/**
 * # Convolution
 *
 *     y[n,p,o] = Σ_{k,i} x̄[n, s·p + k, i] W[k,i,o] + b[o]
 *
 * with `x̄` the input padded by zeros. What flowed in at position p is the patch under the kernel,
 * so `∂l/∂W = Σ_p patch(x, p) ⊗ dy_p`; where the output is narrower than the input and the stride
 * is 1, the same sum is gathered from the other side, `∂l/∂W[k] = Σ_u x_u ⊗ dy_{u−k+pad}`, because
 * patches of the narrower side are the smaller array.
 *
 * ## How to add an operation
 * An operation is a function `(tape, x: Value, layers…) → Value` that
 * 1. computes its output with ordinary `tf` operations,
 * 2. calls `tape.record(inputs, layers, outputs, saved, back)`; `saved` lists the tensors that
 *    `back` reads, but never a layer's variable,
 * 3. in `back(dy)` calls `tape.gradient(layer, factors)` once for each of its layers and returns
 *    the gradients of its inputs.
 *
 * `factors` are `{ x: [N, T, I], dy: [N, T, O] }` with `∂l/∂θ = Σ_t x_t ⊗ dy_t`, or
 * `Factors.direct` with the gradient of each image outright. Bias,
 * `tape.gradient(bias, biasFactors('mine', dy))`, is the shortest example. Nothing else is needed:
 * training, norms, Gram matrices and features of one's own follow, and `test/gradients` compares
 * any operation in its list with the oracle.
 */
import type { Tensor } from '@tensorflow/tfjs';
import {
  convolve,
  convolveFilterGrad,
  convolveInputGrad,
  patches,
  type Shape4,
  tf,
  type Window,
  windowLength,
} from '../../backend/index';
import { Factors, type FactorsSpec } from '../factors';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';

export interface ConvolutionOptions {
  readonly stride?: number;
  readonly pad?: number;
}

/**
 * `x` [N, H, W, I] to [N, H', W', O]. `weight` has layout `convolution`; `bias`, if there is one,
 * is [O].
 */
export function convolution(
  tape: Tape,
  x: Value,
  weight: Layer,
  bias?: Layer,
  { stride = 1, pad = 0 }: ConvolutionOptions = {},
): Value {
  const filter = weight.variable;
  const [kh, kw] = filter.shape as Shape4;
  const window: Window = { kernel: [kh, kw], stride, pad };
  const input = x.tensor;
  const inputShape = input.shape as Shape4;
  const y = convolve(input, filter, window, bias?.variable);
  const layers = bias === undefined ? [weight] : [weight, bias];
  const [output] = tape.record([x], layers, [y], [input], (dy) => {
    tape.gradient(
      weight,
      convolutionFactors('convolution', input, dy as Tensor, filter.shape as Shape4, window),
    );
    if (bias !== undefined) tape.gradient(bias, biasFactors('convolution', dy as Tensor));
    return [x.needed ? convolveInputGrad(dy as Tensor, filter, inputShape, window) : null];
  });
  return output as Value;
}

/** The gradients of a filter [kh, kw, I, O]. */
export class ConvolutionFactors extends Factors {
  constructor(
    spec: FactorsSpec,
    /** A filter as a matrix in the order of the products, [k·I, O]. */
    private readonly asProduct: (filter: Tensor) => Tensor,
  ) {
    super(spec);
  }

  /**
   * `Σ_{k,i} W[k,i,o] ∂l/∂W[k,i,o]` for each group of B images and each channel o of the output,
   * [N/B, O].
   */
  alongFilter(filter: Tensor, B: number): Tensor {
    return tf.tidy(() => {
      const matrix = this.asProduct(filter);
      return tf.sum(tf.mul(tf.reshape(this.product(B), [-1, ...matrix.shape]), matrix), 1); // [N/B, O]
    });
  }
}

/**
 * The factors of a filter [kh, kw, I, O] from what flowed in, `x` [N, H, W, I], and back, `dy` [N,
 * H', W', O].
 */
export function convolutionFactors(
  operation: string,
  x: Tensor,
  dy: Tensor,
  filterShape: Shape4,
  window: Window,
): ConvolutionFactors {
  const [kh, kw, i, o] = filterShape;
  const [n, h, w] = x.shape as Shape4;
  const taps = kh * kw;
  const total = () => convolveFilterGrad(x, dy, filterShape, window);
  const mirrored =
    window.stride === 1 && kh === 2 * window.pad + 1 && kw === kh && taps > 1 && o < i;
  if (mirrored) {
    const spec: FactorsSpec = {
      operation,
      images: n,
      positions: h * w,
      inputs: i,
      outputs: taps * o,
      build: () => ({
        x: tf.reshape(x, [n, h * w, i]), // [N, T, I]
        dy: patches(dy, window), // [N, T, k·O], taps in reverse
      }),
      arrange: (g) =>
        tf.reshape(tf.transpose(tf.reverse(tf.reshape(g, [-1, i, taps, o]), 2), [0, 2, 1, 3]), [
          -1,
          taps * i * o,
        ]), // [G, k·I·O]
      locate: (position) => {
        const [tap, place] = [Math.floor(position / (i * o)), position % (i * o)];
        return [Math.floor(place / o), (taps - 1 - tap) * o + (place % o)];
      },
      total,
    };
    return new ConvolutionFactors(spec, (filter) => {
      const turned = tf.reverse(tf.reshape(filter, [taps, i, o]), 0); // [k, I, O]
      return tf.reshape(tf.transpose(turned, [1, 0, 2]), [i * taps, o]); // [I·k, O]
    });
  }
  const t = windowLength(h, kh, window) * windowLength(w, kw, window);
  const spec: FactorsSpec = {
    operation,
    images: n,
    positions: t,
    inputs: taps * i,
    outputs: o,
    build: () => ({
      x: patches(x, window), // [N, T, k·I]
      dy: tf.reshape(dy, [n, t, o]), // [N, T, O]
    }),
    total,
  };
  return new ConvolutionFactors(spec, (filter) => tf.reshape(filter, [taps * i, o])); // [k·I, O]
}

/** The factors of a bias over the last axis: `∂l/∂b = Σ_t dy_t`. */
export function biasFactors(operation: string, dy: Tensor): Factors {
  return Factors.direct(operation, dy.shape[0] as number, () => sumOverPositions(dy));
}

/** Sum over all axes between the first and the last: [N, …, C] to [N, C]. */
export function sumOverPositions(z: Tensor): Tensor {
  const between = z.shape.map((_, axis) => axis).slice(1, -1);
  return between.length === 0 ? z : tf.sum(z, between); // [N, C]
}
