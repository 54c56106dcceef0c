/**
 * # Representations that keep volume: shuffles and rotations of the pixels
 *
 * An orthogonal map, y = Q·x over all D values of an image, has |det Q| = 1: log|det| = 0, so the
 * likelihood keeps its value although nothing is left that an eye could recognise. Two ways to make
 * one:
 *
 * - a permutation of the values (`spaceToDepth` is the well-known one: 2×2 pixels become one pixel
 *   of four times the channels);
 * - a Householder reflection y = x − 2v(v·x) for a unit vector v. A product of k of them, after a
 *   random permutation, mixes every value with every other at the price of k dot products instead
 *   of D².
 *
 * Reference: Householder, *Unitary triangularization of a nonsymmetric matrix*, J. ACM 5 (1958).
 */

import { deriveSeed, lengthOf, normalAt, permutation } from '../backend/index';
import { FisherlabError } from '../errors';
import type { ImageShape } from '../models/index';
import { everywhere, type Representation } from './representation';
import { type ConstantImage, perImage, type Values } from './values';

/** y_i = x_{order[i]} over the flattened image, laid out in a new shape. log|det| = 0. */
function permuted(
  name: string,
  from: ImageShape,
  to: ImageShape,
  order: readonly number[],
): Representation {
  const back = new Array<number>(order.length);
  order.forEach((source, target) => {
    back[source] = target;
  });
  const moved = <S extends Values<S>>(x: S, indices: readonly number[], shape: ImageShape): S =>
    x
      .reshape([lengthOf(x), order.length]) // [N, D]
      .gather([...indices], 1)
      .reshape([lengthOf(x), ...shape]); // [N, H, W, C]
  return {
    name,
    domain: everywhere,
    forward: (x) => moved(x, order, to),
    inverse: (y) => moved(y, back, from),
    logAbsDetJacobian: (x) => perImage(x.mul(0)), // [N]
  };
}

/**
 * `[H, W, C]` → `[H/2, W/2, 4C]`: the channels of a pixel are those of its four sources, channel by
 * channel as Glow squeezes (c, row, column). Odd sides are an error.
 */
export function spaceToDepth([height, width, channels]: ImageShape): Representation {
  if (height % 2 !== 0 || width % 2 !== 0) {
    throw new FisherlabError(
      `images of ${height}x${width} pixels do not divide into 2x2 blocks`,
      'choose even sides',
    );
  }
  const to: ImageShape = [height / 2, width / 2, 4 * channels];
  const order = Array.from({ length: height * width * channels }, (_, i) => {
    const pixel = Math.floor(i / to[2]);
    const [channel, row, column] = [Math.floor((i % to[2]) / 4), Math.floor((i % 4) / 2), i % 2];
    const y = 2 * Math.floor(pixel / to[1]) + row;
    const x = 2 * (pixel % to[1]) + column;
    return (y * width + x) * channels + channel;
  });
  return permuted('space to depth', [height, width, channels], to, order);
}

/**
 * A random orthogonal map of the whole image: a permutation, then `reflections` Householder
 * reflections, all from `seed`.
 */
export function orthogonal(shape: ImageShape, seed: number, reflections = 8): Representation {
  const size = shape[0] * shape[1] * shape[2];
  const shuffle = permuted('shuffle', shape, shape, [...permutation(size, deriveSeed(seed, 0))]);
  const normals: ConstantImage[] = Array.from({ length: reflections }, (_, k) => {
    const stream = deriveSeed(seed, k + 1);
    const v = Float64Array.from({ length: size }, (_, i) => normalAt(stream, i));
    const norm = Math.hypot(...v);
    return nested(
      v.map((x) => x / norm),
      shape,
    );
  });
  const reflect = <S extends Values<S>>(x: S, v: ConstantImage): S => {
    const along = x.mul(v).sum([1, 2, 3], true); // [N, 1, 1, 1]
    return x.sub(along.mul(v).mul(2));
  };
  return {
    name: 'random rotation',
    domain: everywhere,
    forward: (x) => normals.reduce(reflect, shuffle.forward(x)),
    inverse: (y) => shuffle.inverse(normals.reduceRight(reflect, y)),
    logAbsDetJacobian: (x) => perImage(x.mul(0)), // [N]
  };
}

/** A flat image as nested arrays. */
export function nested(
  values: ArrayLike<number>,
  [height, width, channels]: ImageShape,
): ConstantImage {
  const at = (y: number, x: number, c: number) => values[(y * width + x) * channels + c] as number;
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
  return upTo(height).map((y) => upTo(width).map((x) => upTo(channels).map((c) => at(y, x, c))));
}
