/**
 * # One way to write a map, three ways to evaluate it
 *
 * A representation is a formula on images. It is written here once, in the words TensorFlow.js uses
 * (`x.sub(y).div(c)`), over any kind of value that understands these words:
 *
 * | kind of value | what comes out | where it is used |
 * |---|---|---|
 * | `tf.Tensor` | float32, differentiable by `tf.grad` | a model seen through a representation |
 * | `Field` (float64.ts) | float64 dual numbers | checks: Jacobians by automatic differentiation |
 *
 * A dual number carries a value and its derivative in one direction. So what the checks check is
 * the very formula that the models use.
 *
 * An image tensor is `[N, H, W, C]`. Constants are numbers, or an image as nested arrays
 * `[H][W][C]`; shapes of size 1 are stretched (broadcast) as tf does.
 */

/** A constant image `[H][W][C]`. */
export type ConstantImage = number[][][];

/**
 * What a formula may do with values of kind `S`. The names and meanings are those of `tf.Tensor`.
 */
export interface Values<S> {
  readonly shape: number[];
  add(b: S | number | ConstantImage): S;
  sub(b: S | number | ConstantImage): S;
  mul(b: S | number | ConstantImage): S;
  div(b: S | number | ConstantImage): S;
  minimum(b: S | number): S;
  maximum(b: S | number): S;
  abs(): S;
  exp(): S;
  log(): S;
  /** To a constant power; the base is positive. */
  pow(exponent: number): S;
  /** 1 above 0, else 0. */
  step(): S;
  toBool(): S;
  /** These values where the condition holds, elsewhere `otherwise`. */
  where(condition: S, otherwise: S): S;
  sum(axes: number[], keepDims?: boolean): S;
  min(axes: number[]): S;
  split(parts: number, axis: number): S[];
  concat(others: S[], axis: number): S;
  reshape(shape: number[]): S;
  /** Picks along an axis: `[N, D]` → `[N, indices.length]` for axis 1. */
  gather(indices: number[], axis: number): S;
}

/**
 * `above` where a > b, else `otherwise`. (TensorFlow.js has a gradient for a step, not for a
 * comparison.)
 */
export function whereAbove<S extends Values<S>>(a: S, b: S | number, above: S, otherwise: S): S {
  return above.where(a.sub(b).step().toBool(), otherwise);
}

/** The channels of `[N, H, W, 3]` as three `[N, H, W, 1]`. */
export function threeChannels<S extends Values<S>>(x: S): [S, S, S] {
  return x.split(3, 3) as [S, S, S]; // 3 × [N, H, W, 1]
}

/** The inverse of `threeChannels`. */
export function joinChannels<S extends Values<S>>(first: S, ...others: S[]): S {
  return first.concat(others, 3); // [N, H, W, C]
}

/** Sum over everything but the images: `[N, …]` → `[N]`. */
export function perImage<S extends Values<S>>(x: S): S {
  return x.sum(x.shape.map((_, axis) => axis).slice(1)); // [N]
}
