/**
 * # Plumbing: splitting, joining, adding, rearranging
 *
 * Operations without parameters that only move numbers. Their gradients move them back.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../../backend/index';
import type { Tape, Value } from '../tape';

/** Splits the last axis into two parts, the first of `size` channels. */
export function splitChannels(tape: Tape, x: Value, size: number): [Value, Value] {
  const last = x.shape.length - 1;
  const sizes = [size, (x.shape[last] as number) - size];
  const parts = tf.split(x.tensor, sizes, last) as [Tensor, Tensor];
  const [a, b] = parts;
  const outputs = tape.record([x], [], [a, b], [], (da, db) => [
    tf.concat(
      [da ?? zeros(x.shape, sizes[0] as number), db ?? zeros(x.shape, sizes[1] as number)],
      last,
    ),
  ]);
  return outputs as [Value, Value];
}

function zeros(shape: readonly number[], channels: number): Tensor {
  return tf.zeros([...shape.slice(0, -1), channels]);
}

/** Joins along the last axis. */
export function joinChannels(tape: Tape, a: Value, b: Value): Value {
  const last = a.shape.length - 1;
  const sizes = [a.shape[last] as number, b.shape[last] as number];
  const y = tf.concat([a.tensor, b.tensor], last);
  return tape.record([a, b], [], [y], [], (dy) => tf.split(dy as Tensor, sizes, last))[0] as Value;
}

/** The sum of values of one shape. */
export function sum(tape: Tape, values: readonly Value[]): Value {
  const y = tf.addN(values.map((value) => value.tensor));
  return tape.record(values, [], [y], [], (dy) => values.map(() => dy))[0] as Value;
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
  return tape.record([x], [], [tf.tidy(() => forward(x.tensor))], [], (dy) => [
    tf.tidy(() => inverse(dy as Tensor)),
  ])[0] as Value;
}

/**
 * Any function of ordinary `tf` operations without layers, say a softmax. Its gradient is
 * TensorFlow.js's own, computed when it is needed from the inputs, which costs a second forward
 * computation: for functions that weigh little.
 */
export function apply(tape: Tape, inputs: readonly Value[], f: (...x: Tensor[]) => Tensor): Value {
  const tensors = inputs.map((value) => value.tensor);
  const y = tf.tidy(() => f(...tensors));
  return tape.record(inputs, [], [y], tensors, (dy) =>
    tf.grads(f)(tensors, dy as Tensor),
  )[0] as Value;
}
