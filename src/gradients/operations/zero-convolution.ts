/**
 * # Zero-convolution
 *
 *     y = (conv(x, W) + b) · e^{3s}
 *
 * A 3x3 convolution that starts at zero, so that a flow starts as the identity, with a learned scale (Kingma & Dhariwal 2018). With `g = dy · e^{3s}`:
 *
 *     ∂l/∂W = Σ_t patch_t ⊗ g_t,   ∂l/∂b = Σ_t g_t,   ∂l/∂s = 3 Σ_t dy_t y_t.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { convolve, convolveInputGrad, type Shape4, type Window } from '../../backend/convolution';
import { tf } from '../../backend/index';
import { Factors } from '../factors';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';
import { biasFactors, convolutionFactors, sumOverPositions } from './convolution';

/** `x` [N, H, W, I] to [N, H, W, O]; `weight` [3, 3, I, O], `bias` and `logs` [O]. */
export function zeroConvolution(tape: Tape, x: Value, weight: Layer, bias: Layer, logs: Layer): Value {
  const filter = weight.variable;
  const window: Window = { kernel: [3, 3], stride: 1, pad: 1 };
  const input = x.tensor;
  const y = tf.tidy(() => {
    const scale = tf.exp(tf.mul(logs.variable, 3));
    return convolve(input, tf.mul(filter, scale), window, tf.mul(bias.variable, scale));
  });
  const [output] = tape.record([x], [weight, bias, logs], [y], [input, y], (dy) => {
    const g = tf.mul(dy as Tensor, tf.exp(tf.mul(logs.variable, 3)));
    tape.gradient(weight, convolutionFactors('zero-convolution', input, g, filter.shape as Shape4, window));
    tape.gradient(bias, biasFactors('zero-convolution', g));
    tape.gradient(
      logs,
      Factors.direct('zero-convolution', y.shape[0] as number, () => tf.mul(sumOverPositions(tf.mul(dy as Tensor, y)), 3)),
    );
    return [x.needed ? convolveInputGrad(g, filter, input.shape as Shape4, window) : null];
  });
  return output as Value;
}
