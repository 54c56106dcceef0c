/**
 * # Linear mixtures of the channels, and RGB ↔ YCbCr
 *
 * y = A·x + b in every pixel: log|det| = H·W·log|det A|, the same for all images. YCbCr (ITU-R
 * BT.601, full range, as in JPEG) is such a mixture: brightness Y = 0.299 r + 0.587 g + 0.114 b,
 * and how much bluer and redder a colour is, Cb = (b−Y)/1.772 and Cr = (r−Y)/1.402, moved by ½. Its
 * determinant follows from the definition: Y, b−Y, r−Y of (r,g,b) has det −0.587, so
 * |det A| = 0.587/(1.772·1.402).
 */
import { at, triple } from '../backend/index';
import { FisherlabError } from '../errors';
import { everywhere, type Representation } from './representation';
import { joinChannels, perImage, threeChannels, type Values } from './values';

/** Rows of a 3×3 matrix. */
export type Matrix3 = readonly (readonly [number, number, number])[];

/** y = A·x + b in every pixel. A singular A is an error. */
export function channelMixture(
  name: string,
  matrix: Matrix3,
  offset: readonly [number, number, number] = [0, 0, 0],
): Representation {
  const det = determinant(matrix);
  if (det === 0 || !Number.isFinite(det))
    throw new FisherlabError(
      `the channel mixture '${name}' is singular`,
      'choose a matrix with an inverse',
    );
  const inverse = inverted(matrix, det);
  return {
    name,
    domain: everywhere,
    forward: (x) => multiplied(matrix, x).add([[[...offset]]]),
    inverse: (y) => multiplied(inverse, y.sub([[[...offset]]])),
    logAbsDetJacobian(x) {
      const [first] = threeChannels(x);
      return perImage(first.mul(0).add(Math.log(Math.abs(det)))); // [N]
    },
  };
}

/** RGB ↔ YCbCr, full range. */
export const ycbcr = channelMixture(
  'RGB→YCbCr',
  [
    [0.299, 0.587, 0.114],
    [-0.299 / 1.772, -0.587 / 1.772, 0.886 / 1.772],
    [0.701 / 1.402, -0.587 / 1.402, -0.114 / 1.402],
  ],
  [0, 0.5, 0.5],
);

function multiplied<S extends Values<S>>(matrix: Matrix3, x: S): S {
  const [r, g, b] = threeChannels(x);
  const [first, second, third] = triple(
    matrix.map(([p, q, s]) => r.mul(p).add(g.mul(q)).add(b.mul(s))),
  );
  return joinChannels(first, second, third);
}

/** Cofactor of row i, column j. */
function cofactor(m: Matrix3, i: number, j: number): number {
  const entry = (row: number, column: number) => at(at(m, (i + row) % 3), (j + column) % 3);
  return entry(1, 1) * entry(2, 2) - entry(1, 2) * entry(2, 1);
}

function determinant(m: Matrix3): number {
  return [0, 1, 2].reduce((sum, j) => sum + at(at(m, 0), j) * cofactor(m, 0, j), 0);
}

function inverted(m: Matrix3, det: number): Matrix3 {
  return [0, 1, 2].map(
    (i) => [cofactor(m, 0, i) / det, cofactor(m, 1, i) / det, cofactor(m, 2, i) / det] as const,
  );
}
