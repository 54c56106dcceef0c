/**
 * # Weight-standardised convolution
 *
 *     y = conv(x, ŵ) + b,   ŵ_o = (w_o − mean(w_o)) · r_o,   r_o = 1 / √(var(w_o) + ε)
 *
 * each output channel's filter w_o, of P numbers, shifted and scaled to mean 0 and variance 1 (Qiao
 * et al. 2019, arXiv 1903.10520). Here the convolution is with the *centred* filter `v = w − mean`,
 * and r is a scale of the channels behind it. `standardised-factors` has the filter's gradient.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { convolve, convolveInputGrad, shape4, tf, type Window } from '../../backend/index';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';
import { biasFactors, sumOverPositions } from './bias';
import { type Standardised, StandardisedFactors } from './standardised-factors';

const EPSILON = 1e-5;

/** Centred, with its scales. */
export function standardise(filter: Tensor): Standardised {
  const centred = tf.sub(filter, tf.mean(filter, [0, 1, 2]));
  const variance = tf.mean(tf.square(centred), [0, 1, 2]);
  return { centred, variance, inverse: tf.rsqrt(tf.add(variance, EPSILON)) };
}

/** The window of a convolution with odd kernel k, stride 1, output as large as the input. */
export function sameWindow(filter: Tensor): Window {
  const [k] = shape4(filter, 'standardised convolution');
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
  return tape.apply({
    inputs: [x],
    layers: [weight, bias],
    output: y,
    saved: [input, u, ...Object.values(filter)],
    back(dy) {
      const du = tf.mul(dy, filter.inverse);
      const beta = sumOverPositions(tf.mul(du, u)); // [N, O]
      tape.gradient(weight, new StandardisedFactors(input, du, beta, filter, window));
      tape.gradient(bias, biasFactors('standardised convolution', dy));
      if (!x.needed) return [null];
      const shape = shape4(input, 'standardised convolution');
      return [convolveInputGrad(du, filter.centred, shape, window)];
    },
  });
}
