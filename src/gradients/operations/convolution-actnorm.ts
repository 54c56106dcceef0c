/**
 * # Convolution, activation normalisation, ReLU in one
 *
 *     y = relu((conv(x, W) + b) · eˢ)
 *
 * Glow's coupling network (Kingma & Dhariwal 2018, arXiv 1807.03039) has two of these in every step, with hundreds of channels; apart, they would pass over their output
 * six times. Here the scale goes into the filter, `conv(x, W·eˢ) + b·eˢ`. On the way back only `y` is needed: wherever the ReLU lets anything through, `y` *is* the
 * normalised value, so with `g` the gradient behind the ReLU
 *
 *     ∂l/∂s = Σ_t g_t y_t,   ∂l/∂b = eˢ Σ_t g_t,   ∂l/∂W = Σ_t patch_t ⊗ (eˢ g_t).
 *
 * (The log-determinant of this actnorm is not counted: it is inside a network, not a step of the flow.)
 */
import type { Tensor } from '@tensorflow/tfjs';
import { convolve, convolveInputGrad, type Shape4, type Window } from '../../backend/convolution';
import { tf } from '../../backend/index';
import { reluGrad } from '../../backend/primitives';
import { Factors } from '../factors';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';
import { convolutionFactors, sumOverPositions } from './convolution';

/** `x` [N, H, W, I] to [N, H, W, O]; `weight` [k, k, I, O] with odd k, zero padding k/2; `bias` and `logs` [O]. */
export function convolutionActnormRelu(tape: Tape, x: Value, weight: Layer, bias: Layer, logs: Layer): Value {
  const filter = weight.variable;
  const [k] = filter.shape as Shape4;
  const window: Window = { kernel: [k, k], stride: 1, pad: (k - 1) / 2 };
  const input = x.tensor;
  const y = tf.tidy(() => {
    const scale = tf.exp(logs.variable);
    return tf.relu(convolve(input, tf.mul(filter, scale), window, tf.mul(bias.variable, scale)));
  });
  const [output] = tape.record([x], [weight, bias, logs], [y], [input, y], (dy) => {
    const g = reluGrad(dy as Tensor, y);
    const scaled = tf.mul(g, tf.exp(logs.variable));
    tape.gradient(weight, convolutionFactors('convolution', input, scaled, filter.shape as Shape4, window));
    tape.gradient(
      bias,
      Factors.direct('actnorm', y.shape[0] as number, () => sumOverPositions(scaled)),
    );
    tape.gradient(
      logs,
      Factors.direct('actnorm', y.shape[0] as number, () => sumOverPositions(tf.mul(g, y))),
    );
    return [x.needed ? convolveInputGrad(scaled, filter, input.shape as Shape4, window) : null];
  });
  return output as Value;
}
