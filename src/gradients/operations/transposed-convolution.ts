/**
 * # Transposed convolution
 *
 * The adjoint of a convolution: `y = Cᵀ x + b` where `C` is the convolution that takes something of
 * y's shape to something of x's (Zeiler et al. 2010). Its forward pass is that convolution's
 * backward pass and the other way round, so with the roles of "in" and "back" exchanged
 *
 *     ∂l/∂x = C dy,   ∂l/∂W = Σ_p patch(dy, p) ⊗ x_p.
 */
import { convolve, convolveInputGrad, shape4, tf, type Window } from '../../backend/index';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';
import { biasFactors } from './bias';
import { convolutionFactors } from './convolution-factors';

export interface TransposedConvolutionOptions {
  readonly stride?: number;
  readonly pad?: number;
  /**
   * Rows and columns added to the output at the end, of the `stride` lengths that `C` takes to the
   * same input length.
   */
  readonly outputPad?: number;
}

/**
 * `x` [N, H, W, I] to [N, H', W', O] with `H' = (H − 1)·stride − 2·pad + k + outputPad`, as in
 * PyTorch. `weight` has layout `convolution`, here [k, k, O, I]; `bias` is [O].
 */
export function transposedConvolution(
  tape: Tape,
  x: Value,
  weight: Layer,
  bias?: Layer,
  { stride = 1, pad = 0, outputPad = 0 }: TransposedConvolutionOptions = {},
): Value {
  const filter = weight.variable;
  const filterShape = shape4(filter, 'transposed convolution');
  const [kh, kw, o] = filterShape;
  const window: Window = { kernel: [kh, kw], stride, pad };
  const input = x.tensor;
  const [n, h, w] = shape4(input, 'transposed convolution');
  const long = (length: number, k: number) => (length - 1) * stride - 2 * pad + k + outputPad;
  const y = tf.tidy(() => {
    const product = convolveInputGrad(input, filter, [n, long(h, kh), long(w, kw), o], window);
    return bias === undefined ? product : tf.add(product, bias.variable);
  });
  return tape.apply({
    inputs: [x],
    layers: bias === undefined ? [weight] : [weight, bias],
    output: y,
    saved: [input],
    back(dy) {
      tape.gradient(
        weight,
        convolutionFactors('transposed convolution', dy, input, filterShape, window),
      );
      if (bias !== undefined) tape.gradient(bias, biasFactors('transposed convolution', dy));
      return [x.needed ? convolve(dy, filter, window) : null];
    },
  });
}
