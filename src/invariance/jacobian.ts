/**
 * # The Jacobian by automatic differentiation
 *
 * Every closed form of a log-determinant is checked against the definition: column i of J_T is the
 * derivative of T in direction e_i, carried by dual numbers (float64.ts), and log|det J| = Σ
 * log|pivots| of Gaussian elimination with row exchanges.
 *
 * D passes and D³/3 multiplications: for small images.
 */
import { at } from '../backend/index';
import { FisherlabError } from '../errors';
import type { ImageShape } from '../models/index';
import { Field } from './float64';
import type { Representation } from './representation';

/**
 * ∂T/∂x at one image, rows = outputs, as rows of float64.
 * @param image flat, D values of the unit cube
 */
export function jacobian(
  map: Representation,
  image: ArrayLike<number>,
  shape: ImageShape,
): Float64Array[] {
  const size = image.length;
  const columns = Array.from({ length: size }, (_, i) => {
    const direction = new Float64Array(size);
    direction[i] = 1;
    return map.forward(new Field(Float64Array.from(image), [1, ...shape], direction)).tangents;
  });
  return Array.from({ length: size }, (_, row) =>
    Float64Array.from(columns, (column) => at(column, row)),
  );
}

/** log|det| of a square matrix, −∞ where it is singular. */
export function logAbsDet(matrix: readonly Float64Array[]): number {
  const rows: Float64Array[] = matrix.map((row) => row.slice());
  const entry = (i: number, j: number) => at(at(rows, i), j);
  if (rows.some((row) => row.length !== rows.length))
    throw new FisherlabError('the matrix is not square', 'give as many columns as rows');
  let sum = 0;
  for (let k = 0; k < rows.length; k++) {
    let best = k;
    for (let i = k + 1; i < rows.length; i++)
      if (Math.abs(entry(i, k)) > Math.abs(entry(best, k))) best = i;
    const pivotRow = at(rows, best);
    rows.splice(best, 1, at(rows, k));
    rows.splice(k, 1, pivotRow);
    const pivot = entry(k, k);
    if (pivot === 0) return Number.NEGATIVE_INFINITY;
    sum += Math.log(Math.abs(pivot));
    for (let i = k + 1; i < rows.length; i++) {
      const row = at(rows, i);
      const factor = entry(i, k) / pivot;
      if (factor !== 0)
        for (let j = k; j < rows.length; j++) row[j] = at(row, j) - factor * at(pivotRow, j);
    }
  }
  return sum;
}

/**
 * The closed form of a representation's log|det J| and the one by automatic differentiation, at one
 * image.
 */
export function bothLogDets(
  map: Representation,
  image: ArrayLike<number>,
  shape: ImageShape,
): { closed: number; automatic: number } {
  const field = new Field(Float64Array.from(image), [1, ...shape]);
  const closed = at(map.logAbsDetJacobian(field).values, 0);
  return { closed, automatic: logAbsDet(jacobian(map, image, shape)) };
}
