/**
 * # Least squares
 *
 * The coefficients β of an intercept and p columns that leave the smallest Σ (y − β_0 − Σ_j β_j
 * x_j)², by ml-matrix's singular value decomposition, which also bears columns that are constant or
 * say the same (the solution of smallest norm).
 */
import { lazily } from '../lazily';
import { mean } from './moments';

const mlMatrix = lazily(() => require('ml-matrix') as typeof import('ml-matrix'));

/**
 * The fit of each target [n] on columns [n] as a function of columns of any length.
 * @returns for columns [m] the fitted values of every target, [m] each
 */
export function leastSquares(
  columns: readonly Float64Array[],
  targets: readonly Float64Array[],
): (columns: readonly Float64Array[]) => Float64Array[] {
  const { Matrix, SVD } = mlMatrix();
  const design = (given: readonly Float64Array[]) =>
    new Matrix(
      Array.from({ length: given[0]?.length ?? 0 }, (_, i) => [
        1,
        ...given.map((column) => column[i] as number),
      ]),
    );
  const values = new Matrix(
    Array.from({ length: columns[0]?.length ?? 0 }, (_, i) =>
      targets.map((target) => target[i] as number),
    ),
  );
  const decomposed = new SVD(design(columns), { autoTranspose: true });
  const coefficients = decomposed.solve(values); // [1 + p, k]
  return (given) => {
    const fitted = design(given).mmul(coefficients);
    return targets.map((_, k) => Float64Array.from(fitted.getColumn(k)));
  };
}

/** R² of one target on columns: the share of its variance that they explain. */
export function explainedShare(columns: readonly Float64Array[], target: Float64Array): number {
  const [fitted] = leastSquares(columns, [target])(columns) as [Float64Array];
  const centre = mean(target);
  const total = target.reduce((sum, y) => sum + (y - centre) ** 2, 0);
  const left = target.reduce((sum, y, i) => sum + (y - (fitted[i] as number)) ** 2, 0);
  return 1 - left / total;
}
