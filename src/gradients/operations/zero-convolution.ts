/**
 * # Zero-convolution
 *
 *     y = (conv(x, W) + b) · e^{3s}
 *
 * A 3x3 convolution that starts at zero, so that a flow starts as the identity, with a learned
 * scale (Kingma & Dhariwal 2018). A scaled convolution with k = 3.
 */
import { convolveInputGrad, shape4, tf } from '../../backend/index';
import type { Tape, Value } from '../tape';
import {
  type ScaledConvolution,
  sameWindow,
  scaledConvolution,
  scaledConvolutionGradients,
  scaleOf,
} from './scaled-convolution';

/** The k of a zero-convolution. */
export const ZERO_CONVOLUTION = 3;

/** `x` [N, H, W, I] to [N, H, W, O]. */
export function zeroConvolution(tape: Tape, x: Value, layers: ScaledConvolution): Value {
  const { weight, bias, logs } = layers;
  const input = x.tensor;
  const scale = scaleOf(layers, ZERO_CONVOLUTION);
  const y = scaledConvolution(input, layers, scale);
  return tape.apply({
    inputs: [x],
    layers: [weight, bias, logs],
    output: y,
    saved: [input, y, scale],
    back(dy) {
      const du = tf.mul(dy, scale);
      scaledConvolutionGradients(tape, 'zero-convolution', layers, ZERO_CONVOLUTION, {
        x: input,
        y,
        du,
        scale,
      });
      if (!x.needed) return [null];
      const shape = shape4(input, 'zero-convolution');
      return [convolveInputGrad(du, weight.variable, shape, sameWindow(layers))];
    },
  });
}
