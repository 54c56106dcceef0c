/**
 * # Dense layer
 *
 *     y = x W + b
 *
 * One position an image (T = 1): what flowed in is the row `x`, so `∂l/∂W = xᵀ dy` and
 * `‖∂l/∂W‖² = ‖x‖² ‖dy‖²` (Goodfellow 2015, arXiv 1510.01799).
 */
import type { Tensor } from '@tensorflow/tfjs';
import { matMul, tf } from '../../backend/index';
import { Factors } from '../factors';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';
import { biasFactors } from './convolution';

/**
 * `x` [N, I] to [N, O]. `weight` has layout `dense`, [I, O] here; `bias`, if there is one, is [O].
 */
export function dense(tape: Tape, x: Value, weight: Layer, bias?: Layer): Value {
  const input = x.tensor;
  const [i, o] = weight.variable.shape as [number, number];
  const y = tf.tidy(() => {
    const product = matMul(input, weight.variable);
    return bias === undefined ? product : tf.add(product, bias.variable);
  });
  const layers = bias === undefined ? [weight] : [weight, bias];
  const [output] = tape.record([x], layers, [y], [input], (dy) => {
    const back = dy as Tensor;
    tape.gradient(weight, denseFactors('dense', input, back, i, o));
    if (bias !== undefined) tape.gradient(bias, biasFactors('dense', back));
    return [x.needed ? matMul(back, weight.variable, false, true) : null];
  });
  return output as Value;
}

function denseFactors(
  operation: string,
  x: Tensor,
  dy: Tensor,
  inputs: number,
  outputs: number,
): Factors {
  const images = x.shape[0] as number;
  return new Factors({
    operation,
    images,
    positions: 1,
    inputs,
    outputs,
    build: () => ({
      x: tf.reshape(x, [images, 1, inputs]),
      dy: tf.reshape(dy, [images, 1, outputs]),
    }), // [N, 1, I], [N, 1, O]
    total: () => matMul(x, dy, true), // [I, O]
  });
}
