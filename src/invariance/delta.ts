/**
 * # How much bits per dimension change with the representation
 *
 * From log p_X(x) = log p_T(T(x)) + log|det J_T(x)| follows, with D values an image,
 *
 *     Δ = (log₂ p_X(x) − log₂ p_T(T(x))) / D = log₂|det J_T(x)| / D     bits/dim,
 *                                                                             (eq:bits-difference)
 *
 * a property of the image, whatever the model. For HSV, |det J| = Π 1/(6·M·C) over the pixels, so Δ
 * = −(1/D) Σ log₂(6·M·C): the darker and greyer an image, the more. This is the paper's figure 2
 * (0.18 to 1.76 bits/dim on twenty images of CIFAR-10).
 *
 * Grey pixels have no chroma but what the noise gives them, so Δ depends on the noise: E log₂ C =
 * −8 − 5/(6 ln 2) = −9.202 for uniform noise of width 1/256, −7.480 for Gaussian noise of deviation
 * 1/255; a third of the difference, 0.574 bits/dim, is what a grey image differs by.
 */

import { at } from '../backend/index';
import type { ImageShape } from '../models/index';
import { Field } from './float64';
import type { Representation } from './representation';

/**
 * Δ bits/dim of each image under any representation, from its log-determinant in float64. Images
 * are flat, in the unit cube.
 */
export function deltaBitsPerDim(
  map: Representation,
  images: readonly Float64Array[],
  shape: ImageShape,
): Float64Array {
  return Float64Array.from(images, (image) => {
    const logDet = at(map.logAbsDetJacobian(new Field(image, [1, ...shape])).values, 0);
    return logDet / (image.length * Math.LN2);
  });
}

/**
 * Δ bits/dim of one image under RGB→HSV by the formula alone: −(1/D) Σ log₂(6·M·C). The image is
 * flat, r g b r g b ….
 */
export function hsvDelta(image: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < image.length; i += 3) {
    const pixel = [image[i], image[i + 1], image[i + 2]] as [number, number, number];
    const max = Math.max(...pixel);
    sum += Math.log2(6 * Math.abs(max) * (max - Math.min(...pixel)));
  }
  return -sum / image.length;
}
