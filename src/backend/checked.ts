/**
 * # Checked access to shapes, lists and numbers
 *
 * To TypeScript the shape of a tensor is a list of any length, and any entry of a list may be
 * missing. An operation knows more: that its input has four axes, that a split has two parts. These
 * accessors check what the operation expects and return a value of that type. Where it is not as
 * expected, the error names the operation, and no `undefined` is passed on. Such an error is a
 * defect of the program, not of its input, so it is a plain `Error`.
 *
 * An inner loop over numbers cannot afford a call for each index: it iterates over the entries.
 */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';

/** Anything with axes: a tensor, a variable, a value of the tape. */
interface Shaped {
  readonly shape: readonly number[];
}

export type Shape4 = [number, number, number, number];

/** The two lengths of a matrix. `operation` is for the error, here and below. */
export function shape2({ shape }: Shaped, operation: string): [number, number] {
  const [a, b] = shape;
  if (a === undefined || b === undefined || shape.length !== 2) throw wrong(operation, 2, shape);
  return [a, b];
}

/** The three lengths of, say, factors [N, T, C]. */
export function shape3({ shape }: Shaped, operation: string): [number, number, number] {
  const [a, b, c] = shape;
  if (a === undefined || b === undefined || c === undefined || shape.length !== 3)
    throw wrong(operation, 3, shape);
  return [a, b, c];
}

/** The four lengths of, say, images [N, H, W, C]. */
export function shape4({ shape }: Shaped, operation: string): Shape4 {
  const [a, b, c, d] = shape;
  if (
    a === undefined ||
    b === undefined ||
    c === undefined ||
    d === undefined ||
    shape.length !== 4
  )
    throw wrong(operation, 4, shape);
  return [a, b, c, d];
}

function wrong(operation: string, axes: number, shape: readonly number[]): Error {
  return new Error(`${operation} takes a tensor of ${axes} axes, not of shape [${shape}]`);
}

/** The tensor itself, as a matrix. */
export function matrix(x: Tensor, operation: string): Tensor2D {
  if (!isMatrix(x)) throw wrong(operation, 2, x.shape);
  return x;
}

/** The tensor itself, as one of four axes. */
export function tensor4(x: Tensor, operation: string): Tensor4D {
  if (!isTensor4(x)) throw wrong(operation, 4, x.shape);
  return x;
}

const isMatrix = (x: Tensor): x is Tensor2D => x.shape.length === 2;
const isTensor4 = (x: Tensor): x is Tensor4D => x.shape.length === 4;

/** Length along an axis, the first where none is given; −1 is the last one. */
export function lengthOf({ shape }: Shaped, axis = 0): number {
  const length = shape.at(axis);
  if (length === undefined) throw new Error(`shape [${shape}] has no axis ${axis}`);
  return length;
}

/** Entry `i` of a list, which must be there. */
export function at<T>(list: ArrayLike<T>, i: number): T {
  const entry = list[i];
  if (entry === undefined) throw new Error(`a list of ${list.length} has no entry ${i}`);
  return entry;
}

/** A list of two: the halves of a split, say. */
export function pair<T>(list: readonly T[]): [T, T] {
  const [a, b] = list;
  if (a === undefined || b === undefined || list.length !== 2)
    throw new Error(`a list of ${list.length} is not a pair`);
  return [a, b];
}

/** A list of three. */
export function triple<T>(list: readonly T[]): [T, T, T] {
  const [a, b, c] = list;
  if (a === undefined || b === undefined || c === undefined || list.length !== 3)
    throw new Error(`a list of ${list.length} is not a triple`);
  return [a, b, c];
}

/** The numbers of a float32 tensor. */
export function numbersOf(x: Tensor): Float32Array {
  const numbers = x.dataSync();
  if (!(numbers instanceof Float32Array)) throw new Error(`a tensor of ${x.dtype} is not float32`);
  return numbers;
}

/** The number of a float32 tensor that holds one. */
export function numberOf(x: Tensor): number {
  if (x.size !== 1) throw new Error(`a tensor of shape [${x.shape}] is not one number`);
  return at(numbersOf(x), 0);
}
