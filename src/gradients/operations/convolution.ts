/**
 * # Convolution
 *
 *     y[n,p,o] = Σ_{k,i} x̄[n, s·p + k, i] W[k,i,o] + b[o]
 *
 * with `x̄` the input padded by zeros. The gradient of the filter is in `convolution-factors`.
 *
 * ## How to add an operation
 * An operation is a function `(tape, x: Value, layers…) → Value` that
 * 1. computes its output with ordinary `tf` operations,
 * 2. returns `tape.apply({ inputs, layers, output, saved, back })`; `saved` lists the tensors that
 *    `back` reads, but never a layer's variable,
 * 3. in `back(dy)` calls `tape.gradient(layer, factors)` once for each of its layers and returns
 *    the gradients of its inputs.
 *
 * `factors` are `new OuterProducts(…)` of `x` [N, T, I] and `dy` [N, T, O] with
 * `∂l/∂θ = Σ_t x_t ⊗ dy_t`, or `directFactors` of the gradient of each image. A bias,
 * `tape.gradient(bias, biasFactors('mine', dy))`, is the shortest example. Nothing else is needed:
 * training, norms, Gram matrices and your own features then work, and `test/gradients` compares
 * every operation in its list with the oracle.
 */
import { convolve, convolveInputGrad, shape4, type Window } from '../../backend/index';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';
import { biasFactors } from './bias';
import { convolutionFactors } from './convolution-factors';

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
  const filterShape = shape4(filter, 'convolution');
  const [kh, kw] = filterShape;
  const window: Window = { kernel: [kh, kw], stride, pad };
  const input = x.tensor;
  const inputShape = shape4(input, 'convolution');
  const y = convolve(input, filter, window, bias?.variable);
  return tape.apply({
    inputs: [x],
    layers: bias === undefined ? [weight] : [weight, bias],
    output: y,
    saved: [input],
    back(dy) {
      tape.gradient(weight, convolutionFactors('convolution', input, dy, filterShape, window));
      if (bias !== undefined) tape.gradient(bias, biasFactors('convolution', dy));
      return [x.needed ? convolveInputGrad(dy, filter, inputShape, window) : null];
    },
  });
}
