/**
 * # Symmetric matrices in float64
 *
 * The eigenvalues of Gram matrices of gradients span many orders of magnitude, so they are computed
 * in double precision. Matrices are row-major, `A[i·n + j]`.
 *
 * Eigenvectors are ml-matrix's. Eigenvalues without them: Householder reflections to tridiagonal
 * form (n³ multiply-adds), then the implicit QL iteration with Wilkinson's shift (Golub & Van Loan,
 * *Matrix Computations*, §8.3), which costs only n². ml-matrix always computes the eigenvectors too
 * and takes five times as long (n = 400), and there are hundreds of layers.
 *
 * The damped norms use Cholesky, `A = L Lᵀ`, and the inverse of L by forward substitution. No
 * library that works on flat arrays was found: ml-matrix, which stores rows, takes two to three
 * times as long for L and eleven times for its inverse, since it ignores that L is triangular.
 */
import { FisherlabError } from '../errors';
import { lazily } from '../lazily';

const mlMatrix = lazily(() => require('ml-matrix') as typeof import('ml-matrix'));

/** Eigenvalues of a symmetric matrix [n, n], largest first, each with its unit eigenvector [n]. */
export function symmetricEigenvectors(
  A: Float64Array,
  n: number,
): { readonly value: number; readonly vector: Float64Array }[] {
  const { EigenvalueDecomposition, Matrix } = mlMatrix();
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(
    Matrix.from1DArray(n, n, A),
    { assumeSymmetric: true },
  );
  return realEigenvalues
    .map((value, k) => ({ value, vector: Float64Array.from(eigenvectorMatrix.getColumn(k)) }))
    .sort((a, b) => b.value - a.value);
}

/** Eigenvalues of a symmetric matrix [n, n], largest first. `A` is not changed. */
export function symmetricEigenvalues(A: ArrayLike<number>, n: number): Float64Array {
  const { diagonal, beside } = tridiagonal(Float64Array.from(A), n);
  qlIteration(diagonal, beside);
  return diagonal.sort().reverse();
}

/**
 * Householder reflections: the diagonal [n] and off-diagonal [n] (its last entry 0) of a
 * tridiagonal matrix with the same eigenvalues. Overwrites `A`, which is the caller's own copy.
 */
function tridiagonal(A: Float64Array, n: number): { diagonal: Float64Array; beside: Float64Array } {
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const v = new Float64Array(n);
  const q = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    diagonal[k] = A[k * n + k] as number;
    if (k === n - 1) break;
    let square = 0;
    for (let i = k + 1; i < n; i++) {
      v[i] = A[k * n + i] as number;
      square += (v[i] as number) ** 2;
    }
    const first = v[k + 1] as number;
    const alpha = first > 0 ? -Math.sqrt(square) : Math.sqrt(square);
    beside[k] = k === n - 2 ? first : alpha;
    const half = square - alpha * first; // ‖v‖²/2 once alpha is taken off
    if (k === n - 2 || half === 0) continue;
    v[k + 1] = first - alpha;
    // q = (A v)/half − (vᵀA v/(2·half²)) v, then A ← A − v qᵀ − q vᵀ.
    let along = 0;
    for (let i = k + 1; i < n; i++) {
      let product = 0;
      const row = i * n;
      for (let j = k + 1; j < n; j++) product += (A[row + j] as number) * (v[j] as number);
      q[i] = product / half;
      along += (q[i] as number) * (v[i] as number);
    }
    const share = along / (2 * half);
    for (let i = k + 1; i < n; i++) q[i] = (q[i] as number) - share * (v[i] as number);
    for (let i = k + 1; i < n; i++) {
      const [vi, qi, row] = [v[i] as number, q[i] as number, i * n];
      for (let j = k + 1; j < n; j++)
        A[row + j] = (A[row + j] as number) - vi * (q[j] as number) - qi * (v[j] as number);
    }
  }
  return { diagonal, beside };
}

/** Implicit QL with shifts on a tridiagonal matrix; leaves the eigenvalues, in no order, in `d`. */
function qlIteration(d: Float64Array, e: Float64Array): void {
  const n = d.length;
  // Off-diagonal entries below the rounding error of the whole matrix count as 0. A bound relative
  // to the neighbours alone may never be met between the zero eigenvalues of a low-rank matrix.
  const rounding =
    Number.EPSILON *
    d.reduce((most, value, k) => Math.max(most, Math.abs(value) + Math.abs(e[k] as number)), 0);
  for (let l = 0; l < n; l++) {
    for (let round = 0; ; round++) {
      let m = l;
      while (m < n - 1) {
        const size = Math.abs(d[m] as number) + Math.abs(d[m + 1] as number);
        if (Math.abs(e[m] as number) <= Math.max(Number.EPSILON * size, rounding)) break;
        m++;
      }
      if (m === l) break;
      if (round === 60)
        throw new FisherlabError(
          'the eigenvalues of a matrix do not converge',
          'look for values that are not finite',
        );
      let g = ((d[l + 1] as number) - (d[l] as number)) / (2 * (e[l] as number));
      let r = Math.hypot(g, 1);
      g = (d[m] as number) - (d[l] as number) + (e[l] as number) / (g + (g >= 0 ? r : -r));
      let [s, c, p] = [1, 1, 0];
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * (e[i] as number);
        const b = c * (e[i] as number);
        r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] = (d[i + 1] as number) - p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = (d[i + 1] as number) - p;
        r = ((d[i] as number) - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
      }
      if (r === 0 && i >= l) continue;
      d[l] = (d[l] as number) - p;
      e[l] = g;
      e[m] = 0;
    }
  }
}

/**
 * The Cholesky factor of a symmetric matrix [n, n]: L, lower triangular, A = L Lᵀ.
 * @param what the matrix in words, for the error
 * @param fix what to do where it has no factor
 * @throws {FisherlabError} if A is not positive definite
 */
export function cholesky(A: ArrayLike<number>, n: number, what: string, fix: string): Float64Array {
  const L = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = A[i * n + j] as number;
      for (let k = 0; k < j; k++) sum -= (L[i * n + k] as number) * (L[j * n + k] as number);
      if (i !== j) L[i * n + j] = sum / (L[j * n + j] as number);
      else if (sum > 0) L[i * n + i] = Math.sqrt(sum);
      else throw new FisherlabError(`${what} is not positive definite at row ${i}`, fix);
    }
  }
  return L;
}

/**
 * The inverse of the Cholesky factor of a damped matrix [n, n]: L⁻¹, lower triangular, so that
 * A⁻¹ = L⁻ᵀ L⁻¹.
 * @throws {FisherlabError} if A is not positive definite
 */
export function inverseCholesky(A: ArrayLike<number>, n: number): Float64Array {
  const L = cholesky(A, n, `a matrix of ${n} rows`, 'damp it more');
  // Row i of L⁻¹ from the rows above it: row_i = (e_i − Σ_k L_ik row_k)/L_ii.
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const pivot = L[i * n + i] as number;
    for (let k = 0; k < i; k++) {
      const factor = (L[i * n + k] as number) / pivot;
      for (let j = 0; j <= k; j++)
        inverse[i * n + j] =
          (inverse[i * n + j] as number) - factor * (inverse[k * n + j] as number);
    }
    inverse[i * n + i] = 1 / pivot;
  }
  return inverse;
}

/** `A + shift·I` [n, n] in float64. */
export function shifted(A: ArrayLike<number>, n: number, shift: number): Float64Array {
  const B = Float64Array.from(A);
  for (let i = 0; i < n; i++) B[i * (n + 1)] = (B[i * (n + 1)] as number) + shift;
  return B;
}
