/**
 * # Plumbing: splitting, joining, adding, rearranging
 *
 * Operations without parameters that only move numbers. Their gradients move them back.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, pair, tf } from '../../backend/index';
import type { Tape, Value } from '../tape';

/** Splits the last axis into two parts, the first of `size` channels. */
export function splitChannels(tape: Tape, x: Value, size: number): [Value, Value] {
  const last = x.shape.length - 1;
  return tape.apply({
    inputs: [x],
    output: pair(tf.split(x.tensor, [size, lengthOf(x, last) - size], last)),
    back: ([da, db]) => [tf.concat([da, db], last)],
  });
}

/** Joins along the last axis. */
export function joinChannels(tape: Tape, a: Value, b: Value): Value {
  const last = a.shape.length - 1;
  const sizes = [lengthOf(a, last), lengthOf(b, last)];
  const y = tf.concat([a.tensor, b.tensor], last);
  return tape.apply({
    inputs: [a, b],
    output: y,
    back: (dy) => pair(tf.split(dy, sizes, last)),
  });
}

/** The sum of values of one shape. */
export function sum(tape: Tape, values: readonly Value[]): Value {
  const y = tf.addN(values.map((value) => value.tensor));
  return tape.apply({ inputs: values, output: y, back: (dy) => values.map(() => dy) });
}

/**
 * A rearrangement of numbers: `forward` and `inverse` undo each other and neither scales anything,
 * so the gradient is moved by `inverse`.
 */
export function rearrange(
  tape: Tape,
  x: Value,
  forward: (x: Tensor) => Tensor,
  inverse: (y: Tensor) => Tensor,
): Value {
  return tape.apply({
    inputs: [x],
    output: tf.tidy(() => forward(x.tensor)),
    back: (dy) => [tf.tidy(() => inverse(dy))],
  });
}

/**
 * Any function of ordinary `tf` operations without layers, for example a softmax. TensorFlow.js
 * computes its gradient from the inputs when it is needed, which repeats the forward computation.
 * Meant for cheap functions.
 */
export function apply(tape: Tape, inputs: readonly Value[], f: (...x: Tensor[]) => Tensor): Value {
  const tensors = inputs.map((value) => value.tensor);
  const y = tf.tidy(() => f(...tensors));
  return tape.apply({
    inputs,
    output: y,
    saved: tensors,
    back: (dy) => tf.grads(f)(tensors, dy),
  });
}
