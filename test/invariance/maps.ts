/** The maps under test and the places where they could go wrong. */

import {
  affine,
  cielab,
  compose,
  flip,
  gamma,
  hsl,
  hsv,
  lens,
  logit,
  orthogonal,
  type Representation,
  spaceToDepth,
  ycbcr,
} from '../../src/invariance/index';
import type { ImageShape } from '../../src/models/model';
import { uniforms } from '../../src/numerics/random';

export const shape: ImageShape = [2, 2, 3];
export const size = 12;

/** Flat images inside the open cube. */
export const inside = (seed: number): Float64Array =>
  Float64Array.from(uniforms(seed, size), (u) => 0.001 + 0.998 * u);

export const maps: Representation[] = [
  hsv,
  hsl,
  ycbcr,
  cielab,
  logit(),
  logit(0),
  gamma(2.2),
  affine(-3, 0.5),
  orthogonal(shape, 7),
  spaceToDepth(shape),
  lens(shape, inside(1), 3, 0.5),
  lens(shape, inside(2), 0.4, 0.5),
  flip(shape, inside(3), inside(4), 6),
  compose(hsv, affine(0.9, 0.05), logit(0.01), orthogonal(shape, 8), spaceToDepth(shape)),
  compose(gamma(1.8), ycbcr),
];

const pixel = (...rgb: number[]) =>
  Float64Array.from({ length: size }, (_, i) => rgb[i % 3] as number);
const e = 1e-6;

/**
 * One image for each seam of the colour maps: the sextants, their borders, and the neighbourhood of
 * grey, black, white and the gamma joint.
 */
export const seams: Record<string, Float64Array> = {
  'sextant r>g>b': pixel(0.8, 0.5, 0.1),
  'sextant g>r>b': pixel(0.5, 0.8, 0.1),
  'sextant g>b>r': pixel(0.1, 0.8, 0.5),
  'sextant b>g>r': pixel(0.1, 0.5, 0.8),
  'sextant b>r>g': pixel(0.5, 0.1, 0.8),
  'sextant r>b>g': pixel(0.8, 0.1, 0.5),
  'lightness 1/2': pixel(0.8, 0.5, 0.2),
  'border r=g>b (yellow)': pixel(0.7, 0.7, 0.1),
  'border g=b>r (cyan)': pixel(0.1, 0.7, 0.7),
  'border r=b>g (magenta)': pixel(0.7, 0.1, 0.7),
  'border r>g=b (red)': pixel(0.7, 0.1, 0.1),
  'border g>r=b (green)': pixel(0.1, 0.7, 0.1),
  'border b>r=g (blue)': pixel(0.1, 0.1, 0.7),
  'almost grey': pixel(0.5, 0.5 + e, 0.5 - e),
  'almost black': pixel(2 * e, 3 * e, e),
  'almost white': pixel(1 - 2 * e, 1 - 3 * e, 1 - e),
  'just below the joint of the sRGB curve': pixel(0.0404, 0.0403, 0.0402),
  'just above the joint of the sRGB curve': pixel(0.0405, 0.0406, 0.0407),
};
