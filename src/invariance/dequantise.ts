/**
 * # From 8-bit images into the domain of a representation
 *
 * A density is defined on continuous values, and many representations are singular exactly where
 * many 8-bit images lie: a grey pixel has no hue. Noise makes the values continuous, and the choice
 * of noise changes the numbers:
 *
 * - `uniform`: x = (k + u)/256, u uniform in [0, 1): the model's own dequantisation, never leaves
 *   the unit cube;
 * - `gaussian`: x = k/255 + ε/255, ε standard normal: what the paper's script adds; values may
 *   leave the cube by a few 1/255;
 * - `none`: x = k/255; images outside the domain are then an error.
 *
 * Noise is a function of the seed and of each image's index, so any subset or batch of images keeps
 * its own.
 */

import { noiseByIndex } from '../backend/index';
import { FisherlabError } from '../errors';
import type { ImageShape } from '../models/index';
import { Field } from './float64';
import { assertInside, type Representation } from './representation';

export type Dequantisation =
  | { readonly noise: 'uniform' | 'gaussian'; readonly seed: number }
  | { readonly noise: 'none' };

/** 8-bit images, flat `[N × H × W × C]`, with what is needed to find their noise again. */
export interface EightBitImages {
  readonly images: ArrayLike<number>;
  readonly shape: ImageShape;
  /** The index of each image in its data set; left out: 0 … N−1. */
  readonly indices?: readonly number[];
}

/** The images as points of the unit cube, one flat float64 array an image. */
export function dequantise(
  { images, shape, indices }: EightBitImages,
  how: Dequantisation,
): Float64Array[] {
  const size = shape[0] * shape[1] * shape[2];
  const count = images.length / size;
  const names = indices ?? Array.from({ length: count }, (_, i) => i);
  if (!Number.isInteger(count) || names.length !== count) {
    throw new FisherlabError(
      `${images.length} values are not ${names.length} images of ${shape.join('x')}`,
      'give whole images and an index for each',
    );
  }
  const noise =
    how.noise === 'none'
      ? null
      : noiseByIndex(how.noise === 'uniform' ? 'uniform' : 'normal', how.seed, names, size);
  const levels = how.noise === 'uniform' ? 256 : 255;
  return Array.from({ length: count }, (_, n) =>
    Float64Array.from(
      { length: size },
      (_, i) => ((images[n * size + i] as number) + (noise?.[n * size + i] ?? 0)) / levels,
    ),
  );
}

/** As `dequantise`, and a `FisherlabError` that names the first image outside the domain of T. */
export function enter(
  map: Representation,
  images: EightBitImages,
  how: Dequantisation,
): Float64Array[] {
  const points = dequantise(images, how);
  const margins = points.map(
    (point) => map.margin?.(new Field(point, [1, ...images.shape])).values[0] ?? 1,
  );
  assertInside(map, margins);
  return points;
}
