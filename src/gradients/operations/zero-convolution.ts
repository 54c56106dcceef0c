/**
 * # Zero-convolution
 *
 *     y = (conv(x, W) + b) · e^{3s}
 *
 * A 3x3 convolution that starts at zero, so that a flow starts as the identity, with a learned
 * scale (Kingma & Dhariwal 2018). A scaled convolution with k = 3.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { convolveInputGrad, type Shape4, tf } from '../../backend/index';
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
  const [output] = tape.record([x], [weight, bias, logs], [y], [input, y, scale], (dy) => {
    const du = tf.mul(dy as Tensor, scale);
    scaledConvolutionGradients(tape, 'zero-convolution', layers, ZERO_CONVOLUTION, {
      x: input,
      y,
      du,
      scale,
    });
    return [
      x.needed
        ? convolveInputGrad(du, weight.variable, input.shape as Shape4, sameWindow(layers))
        : null,
    ];
  });
  return output as Value;
}
