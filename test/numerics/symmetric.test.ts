import assert from 'node:assert/strict';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { normals } from '../../src/numerics/random';
import {
  inverseCholesky,
  symmetricEigenvalues,
  symmetricEigenvectors,
} from '../../src/numerics/symmetric';

describe('symmetric matrices', () => {
  for (const n of [1, 2, 3, 10, 60]) {
    it(`of ${n} rows have the eigenvalues that ml-matrix finds`, () => {
      const B = Matrix.from1DArray(n, n, normals(n, n * n));
      const A = B.mmul(B.transpose());
      const expected = new EigenvalueDecomposition(A, {
        assumeSymmetric: true,
      }).realEigenvalues.sort((a, b) => b - a);
      const found = symmetricEigenvalues(A.to1DArray(), n);
      expected.forEach((value, i) => {
        assert.ok(
          Math.abs(value - (found[i] as number)) < 1e-10 * (expected[0] as number),
          `${i}: ${found[i]} for ${value}`,
        );
      });
    });
  }

  it('with repeated, zero and diagonal eigenvalues work too', () => {
    assert.deepEqual([...symmetricEigenvalues([2, 0, 0, 0, 2, 0, 0, 0, 0], 3)], [2, 2, 0]);
    const ones = symmetricEigenvalues(new Float64Array(400).fill(1), 20);
    assert.ok(Math.abs((ones[0] as number) - 20) < 1e-12 && Math.abs(ones[1] as number) < 1e-12);
    assert.deepEqual([...symmetricEigenvalues(new Float64Array(9), 3)], [0, 0, 0]);
  });

  it('that are positive definite are L Lᵀ: L⁻¹ A L⁻ᵀ is the identity', () => {
    const n = 12;
    const B = Matrix.from1DArray(n, n, normals(4, n * n));
    const A = B.mmul(B.transpose()).add(Matrix.eye(n).mul(0.1));
    const L = Matrix.from1DArray(n, n, inverseCholesky(A.to1DArray(), n));
    const product = L.mmul(A).mmul(L.transpose());
    assert.ok(Matrix.sub(product, Matrix.eye(n)).abs().max() < 1e-10);
    assert.throws(() => inverseCholesky([1, 2, 2, 1], 2), /not positive definite at row 1/);
  });

  it('have eigenvectors that they stretch by the eigenvalue, largest first, each of length 1', () => {
    const n = 15;
    const B = Matrix.from1DArray(n, n, normals(5, n * n));
    const A = B.mmul(B.transpose());
    const found = symmetricEigenvectors(Float64Array.from(A.to1DArray()), n);
    const values = symmetricEigenvalues(A.to1DArray(), n);
    found.forEach(({ value, vector }, k) => {
      assert.ok(Math.abs(value - (values[k] as number)) < 1e-10 * (values[0] as number));
      const v = Matrix.columnVector(vector);
      assert.ok(
        Matrix.sub(A.mmul(v), Matrix.mul(v, value)).abs().max() < 1e-10 * (values[0] as number),
      );
      assert.ok(Math.abs(v.norm() - 1) < 1e-12);
    });
  });
});
