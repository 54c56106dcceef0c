/**
 * # Dense layer
 *
 *     y = x W + b
 *
 * One position an image (T = 1): what flowed in is the row `x`, so `∂l/∂W = xᵀ dy` and
 * `‖∂l/∂W‖² = ‖x‖² ‖dy‖²` (Goodfellow 2015, arXiv 1510.01799).
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, matMul, shape2, tf } from '../../backend/index';
import type { Layer } from '../layer';
import { OuterProducts } from '../outer-products';
import type { Tape, Value } from '../tape';
import { biasFactors } from './bias';

/**
 * `x` [N, I] to [N, O]. `weight` has layout `dense`, [I, O] here; `bias`, if there is one, is [O].
 */
export function dense(tape: Tape, x: Value, weight: Layer, bias?: Layer): Value {
  const input = x.tensor;
  const [i, o] = shape2(weight.variable, 'dense layer');
  const y = tf.tidy(() => {
    const product = matMul(input, weight.variable);
    return bias === undefined ? product : tf.add(product, bias.variable);
  });
  return tape.apply({
    inputs: [x],
    layers: bias === undefined ? [weight] : [weight, bias],
    output: y,
    saved: [input],
    back(dy) {
      tape.gradient(weight, denseFactors('dense', input, dy, i, o));
      if (bias !== undefined) tape.gradient(bias, biasFactors('dense', dy));
      return [x.needed ? matMul(dy, weight.variable, false, true) : null];
    },
  });
}

function denseFactors(
  operation: string,
  x: Tensor,
  dy: Tensor,
  inputs: number,
  outputs: number,
): OuterProducts {
  const images = lengthOf(x);
  return new OuterProducts({
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
