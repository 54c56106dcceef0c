/**
 * # Activations
 *
 * Functions of one number, applied to every element, whose derivative is read off their output
 * where that saves a pass over memory:
 *
 * | | y | dy/dx |
 * |---|---|---|
 * | `leakyRelu` | `x` where x > 0, else `slope · x` | 1 or `slope`, by the sign of y (slope > 0) |
 * | `tanh` | `tanh x` | `1 − y²` |
 * | `silu` | `x σ(x)` | `σ(x) + y (1 − σ(x))` |
 * | `gelu` | `x Φ(x)`, the exact one with the error function | `Φ(x) + x φ(x)` |
 * | `scale` | `a x + b` with constants a, b | `a` |
 */
import type { Tensor } from '@tensorflow/tfjs';
import { native, tf } from '../../backend/index';
import type { Tape, Value } from '../tape';

/** `slope` must be positive. Shape of `x`. */
export function leakyRelu(tape: Tape, x: Value, slope: number): Value {
  const y = tf.leakyRelu(x.tensor, slope);
  return tape.apply({
    inputs: [x],
    output: y,
    saved: [y],
    back: (dy) => [leakyReluGrad(dy, y, slope)],
  });
}

/** Gradient of `y = leakyRelu(·)` from its output, or from its input: both have the same sign. */
export function leakyReluGrad(dy: Tensor, y: Tensor, slope: number): Tensor {
  const backend = native();
  if (backend === null || y.size === 0)
    return tf.tidy(() => tf.where(tf.greater(y, 0), dy, tf.mul(dy, slope)));
  const { TF_ATTR_TYPE, TF_ATTR_FLOAT, TF_FLOAT } = backend.binding;
  const attributes = [
    { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'alpha', type: TF_ATTR_FLOAT, value: slope },
  ];
  return backend.executeSingleOutput('LeakyReluGrad', attributes, [dy, y]);
}

/** Shape of `x`. */
export function tanh(tape: Tape, x: Value): Value {
  const y = tf.tanh(x.tensor);
  return tape.apply({
    inputs: [x],
    output: y,
    saved: [y],
    back: (dy) => [tf.mul(dy, tf.sub(1, tf.square(y)))],
  });
}

/** Shape of `x`. */
export function silu(tape: Tape, x: Value): Value {
  const { y, s } = siluForward(x.tensor);
  return tape.apply({
    inputs: [x],
    output: y,
    saved: [y, s],
    back: (dy) => [siluGrad(dy, y, s)],
  });
}

/** `y = x σ(x)` and `s = σ(x)`. */
export function siluForward(x: Tensor): { y: Tensor; s: Tensor } {
  const s = tf.sigmoid(x);
  return { y: tf.mul(x, s), s };
}

/** The gradient of silu from `y` and `s` of {@link siluForward}. */
export function siluGrad(dy: Tensor, y: Tensor, s: Tensor): Tensor {
  return tf.tidy(() => tf.mul(dy, tf.add(s, tf.mul(y, tf.sub(1, s)))));
}

/** Shape of `x`. */
export function gelu(tape: Tape, x: Value): Value {
  const input = x.tensor;
  const cumulative = () => tf.mul(0.5, tf.add(1, tf.erf(tf.mul(input, Math.SQRT1_2))));
  const y = tf.tidy(() => tf.mul(input, cumulative()));
  return tape.apply({
    inputs: [x],
    output: y,
    saved: [input],
    back(dy) {
      const density = tf.mul(tf.exp(tf.mul(tf.square(input), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return [tf.mul(dy, tf.add(cumulative(), tf.mul(input, density)))];
    },
  });
}

/** `a x + b` with constants. Shape of `x`. */
export function scale(tape: Tape, x: Value, a: number, b = 0): Value {
  const y = tf.tidy(() => tf.add(tf.mul(x.tensor, a), b));
  return tape.apply({ inputs: [x], output: y, back: (dy) => [tf.mul(dy, a)] });
}
