/**
 * # Convolution with a learned scale
 *
 *     y = u · e^{ks},   u = conv(x, W) + b
 *
 * The building block of Glow's networks (Kingma & Dhariwal 2018, arXiv 1807.03039): with k = 1 a
 * convolution and its activation normalisation (whose log-determinant does not count inside a
 * network), with k = 3 the zero-convolution. The scale is multiplied into the filter,
 * `conv(x, W e^{ks}) + b e^{ks}`, and costs nothing. In the backward pass all gradients follow from
 * `du = dy · e^{ks}`:
 *
 *     ∂l/∂W = Σ_t patch_t ⊗ du_t,   ∂l/∂b = Σ_t du_t,
 *     ∂l/∂s = k Σ_t du_t u_t = k (⟨W, ∂l/∂W⟩ + b ∂l/∂b),
 *
 * the last one for each output channel. So where the filter's gradient is known, that of the scale
 * needs no pass over positions; where only the Gram form of the filter's norm is computed, it is
 * `k e^{−ks} Σ_t du_t y_t`.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { convolve, lengthOf, shape4, tf, type Window } from '../../backend/index';
import { directFactors } from '../direct-factors';
import type { Layer } from '../layer';
import type { Tape } from '../tape';
import { biasFactors, sumOverPositions } from './bias';
import { convolutionFactors } from './convolution-factors';

export interface ScaledConvolution {
  /** [k, k, I, O] with odd k; the padding is such that height and width stay. */
  readonly weight: Layer;
  /** [O] */
  readonly bias: Layer;
  /** s, [O]. */
  readonly logs: Layer;
}

export function sameWindow({ weight }: ScaledConvolution): Window {
  const [k] = shape4(weight.variable, 'scaled convolution');
  return { kernel: [k, k], stride: 1, pad: (k - 1) / 2 };
}

/** e^{ks}, [O]. */
export function scaleOf({ logs }: ScaledConvolution, k: number): Tensor {
  return tf.exp(k === 1 ? logs.variable : tf.mul(logs.variable, k));
}

/** `x` [N, H, W, I] to `y` [N, H, W, O]; `scale` from {@link scaleOf}. */
export function scaledConvolution(x: Tensor, layers: ScaledConvolution, scale: Tensor): Tensor {
  const { weight, bias } = layers;
  return tf.tidy(() =>
    convolve(x, tf.mul(weight.variable, scale), sameWindow(layers), tf.mul(bias.variable, scale)),
  );
}

/**
 * Hands the gradients of the three tensors on. `y` may have gone through a ReLU if `du` is zero
 * wherever that let nothing through.
 */
export function scaledConvolutionGradients(
  tape: Tape,
  operation: string,
  layers: ScaledConvolution,
  k: number,
  { x, y, du, scale }: { x: Tensor; y: Tensor; du: Tensor; scale: Tensor },
): void {
  const { weight, bias, logs } = layers;
  const filter = weight.variable;
  const ofWeight = convolutionFactors(
    operation,
    x,
    du,
    shape4(filter, operation),
    sameWindow(layers),
  );
  const ofBias = biasFactors(operation, du);
  const join = (alongFilter: Tensor, ofBias: Tensor) =>
    tf.mul(tf.add(alongFilter, tf.mul(ofBias, bias.variable)), k);
  const overPositions = () => tf.mul(sumOverPositions(tf.mul(du, y)), tf.div(k, scale)); // [N, O]
  const ofLogs = directFactors(operation, lengthOf(x), overPositions, {
    groups: (B) =>
      ofWeight.instantiates(B)
        ? join(ofWeight.alongFilter(filter, B), ofBias.instantiate(B))
        : null, // [N/B, O]
    total: () => join(tf.sum(tf.mul(ofWeight.total(), filter), [0, 1, 2]), ofBias.total()), // [O]
  });
  try {
    // first, for the tape frees each of the factors when it has seen them
    tape.gradient(logs, ofLogs);
    tape.gradient(bias, ofBias);
    tape.gradient(weight, ofWeight);
  } catch (error) {
    for (const factors of [ofBias, ofWeight]) factors.dispose();
    throw error;
  }
}
