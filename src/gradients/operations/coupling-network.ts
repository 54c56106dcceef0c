/**
 * # The network of a coupling
 *
 *     y_0 = x,   y_j = relu((conv(y_{j−1}, W_j) + b_j) · e^{s_j}),   y = zero-convolution(y_last)
 *
 * Glow's (Kingma & Dhariwal 2018, arXiv 1807.03039): a 3x3 and a 1x1 convolution to hundreds of
 * channels, each with activation normalisation and ReLU, then a zero-convolution. Most of a pass of
 * Glow is spent here, a third of it in passes over memory if every operation stands alone. Together
 * they need none for the scales on the way back either: what the operations hand back to each other
 * is not `∂l/∂y_j` but what every gradient of the layer needs,
 * `∂l/∂u_j = [y_j > 0] · e^{s_j} ∂l/∂y_j` behind its convolution, and `e^{s_j}` goes into the
 * filter that it comes through, `e^{s_j} ∂l/∂y_j = convᵀ(∂l/∂u_{j+1}, e^{s_j} W_{j+1})`.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { convolveInputGrad, reluGrad, type Shape4, tf } from '../../backend/index';
import type { Tape, Value } from '../tape';
import {
  type ScaledConvolution,
  sameWindow,
  scaledConvolution,
  scaledConvolutionGradients,
  scaleOf,
} from './scaled-convolution';
import { ZERO_CONVOLUTION } from './zero-convolution';

/** `relu((conv(x, W) + b) · e^s)`, [N, H, W, I] to [N, H, W, O]. */
export function hiddenLayer(x: Tensor, layers: ScaledConvolution): Tensor {
  return tf.tidy(() => tf.relu(scaledConvolution(x, layers, scaleOf(layers, 1))));
}

/** `x` [N, H, W, I] to [N, H, W, O]. */
export function couplingNetwork(
  tape: Tape,
  x: Value,
  hidden: readonly ScaledConvolution[],
  last: ScaledConvolution,
): Value {
  const inputs = [x.tensor];
  for (const layers of hidden)
    inputs.push(hiddenLayer(inputs[inputs.length - 1] as Tensor, layers));
  const scale = scaleOf(last, ZERO_CONVOLUTION);
  const y = scaledConvolution(inputs[inputs.length - 1] as Tensor, last, scale);
  const all = [...hidden, last].flatMap(({ weight, bias, logs }) => [weight, bias, logs]);
  const [output] = tape.record([x], all, [y], [...inputs, y, scale], (dy) => {
    const input = inputs[hidden.length] as Tensor;
    let du = tf.mul(dy as Tensor, scale);
    scaledConvolutionGradients(tape, 'zero-convolution', last, ZERO_CONVOLUTION, {
      x: input,
      y,
      du,
      scale,
    });
    let behind = last;
    for (let j = hidden.length - 1; j >= 0; j--) {
      const layers = hidden[j] as ScaledConvolution;
      const [x, y] = [inputs[j], inputs[j + 1]] as [Tensor, Tensor];
      const scale = scaleOf(layers, 1);
      const filter = tf.mul(behind.weight.variable, tf.expandDims(scale, 1)); // [k, k, I, O], scaled along I
      const next = reluGrad(
        convolveInputGrad(du, filter, y.shape as Shape4, sameWindow(behind)),
        y,
      );
      du.dispose();
      du = next;
      scaledConvolutionGradients(tape, 'convolution and actnorm', layers, 1, { x, y, du, scale });
      behind = layers;
    }
    return [
      x.needed
        ? convolveInputGrad(du, behind.weight.variable, x.shape as Shape4, sameWindow(behind))
        : null,
    ];
  });
  return output as Value;
}
