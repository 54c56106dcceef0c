/**
 * # The network of a coupling
 *
 *     y_0 = x,   y_j = relu((conv(y_{j−1}, W_j) + b_j) · e^{s_j}),   y = zero-convolution(y_last)
 *
 * Glow's (Kingma & Dhariwal 2018, arXiv 1807.03039): a 3x3 and a 1x1 convolution to hundreds of
 * channels, each with activation normalisation and ReLU, then a zero-convolution. Most of a pass of
 * Glow is spent here, a third of it in passes over memory if every operation stands alone. Done
 * together they need no extra pass for the scales, in the backward direction either: the operations
 * hand back to each other not `∂l/∂y_j` but `∂l/∂u_j = [y_j > 0] · e^{s_j} ∂l/∂y_j` behind the
 * convolution, which every gradient of the layer needs. The factor `e^{s_j}` goes into the next
 * filter: `e^{s_j} ∂l/∂y_j = convᵀ(∂l/∂u_{j+1}, e^{s_j} W_{j+1})`.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, convolveInputGrad, reluGrad, shape4, tf } from '../../backend/index';
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
  let top = x.tensor;
  for (const layers of hidden) {
    top = hiddenLayer(top, layers);
    inputs.push(top);
  }
  const scale = scaleOf(last, ZERO_CONVOLUTION);
  const y = scaledConvolution(top, last, scale);
  return tape.apply({
    inputs: [x],
    layers: [...hidden, last].flatMap(({ weight, bias, logs }) => [weight, bias, logs]),
    output: y,
    saved: [...inputs, y, scale],
    back(dy) {
      let du = tf.mul(dy, scale);
      scaledConvolutionGradients(tape, 'zero-convolution', last, ZERO_CONVOLUTION, {
        x: top,
        y,
        du,
        scale,
      });
      let behind = last;
      for (let j = hidden.length - 1; j >= 0; j--) {
        const layers = at(hidden, j);
        const [x, y] = [at(inputs, j), at(inputs, j + 1)];
        const scale = scaleOf(layers, 1);
        // Scaled along its inputs: [k, k, I, O].
        const filter = tf.mul(behind.weight.variable, tf.expandDims(scale, 1));
        const shape = shape4(y, 'coupling network');
        const next = reluGrad(convolveInputGrad(du, filter, shape, sameWindow(behind)), y);
        du.dispose();
        du = next;
        scaledConvolutionGradients(tape, 'convolution and actnorm', layers, 1, { x, y, du, scale });
        behind = layers;
      }
      if (!x.needed) return [null];
      const shape = shape4(x, 'coupling network');
      return [convolveInputGrad(du, behind.weight.variable, shape, sameWindow(behind))];
    },
  });
}
