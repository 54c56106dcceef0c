import assert from 'node:assert/strict';
import { explainedShare, leastSquares } from '../../src/numerics/least-squares';
import { normals } from '../../src/numerics/random';

const column = (seed: number, n = 200) => Float64Array.from(normals(seed, n));
const near = (found: number | undefined, expected: number) =>
  assert.ok(Math.abs((found as number) - expected) < 1e-9, `${found} instead of ${expected}`);

describe('least squares', () => {
  it('finds the coefficients that made the targets, on other columns too', () => {
    const [a, b] = [column(1), column(2)];
    const predict = leastSquares(
      [a, b],
      [a.map((x, i) => 3 - 2 * x + 0.5 * (b[i] as number)), a.map((x) => x)],
    );
    const [first, second] = predict([Float64Array.of(1, 0), Float64Array.of(2, -4)]);
    near(first?.[0], 3 - 2 + 1);
    near(first?.[1], 3 - 2);
    near(second?.[0], 1);
  });

  it('leaves a residual that is orthogonal to every column and has mean 0', () => {
    const [a, b, y] = [column(1), column(2), column(3)];
    const [fitted] = leastSquares([a, b], [y])([a, b]) as [Float64Array];
    const residual = y.map((value, i) => value - (fitted[i] as number));
    const along = (x: ArrayLike<number>) =>
      residual.reduce((sum, r, i) => sum + r * (x[i] as number), 0);
    for (const x of [a, b, new Float64Array(200).fill(1)]) near(along(x), 0);
  });

  it('tolerates columns that are constant or collinear', () => {
    const a = column(1);
    const y = a.map((x) => 1 + x);
    const columns = [a, a, new Float64Array(200).fill(5)];
    const [fitted] = leastSquares(columns, [y])(columns) as [Float64Array];
    for (const [i, value] of fitted.entries()) near(value, y[i] as number);
  });

  it('explains the squared correlation of one column, and all of itself', () => {
    const [a, noise] = [column(1), column(2)];
    const y = a.map((x, i) => x + (noise[i] as number));
    const centred = (x: Float64Array) => {
      const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
      return x.map((value) => value - mean);
    };
    const [u, v] = [centred(a), centred(y)];
    const inner = (p: Float64Array, q: Float64Array) =>
      p.reduce((sum, x, i) => sum + x * (q[i] as number), 0);
    near(explainedShare([a], y), inner(u, v) ** 2 / (inner(u, u) * inner(v, v)));
    near(explainedShare([a, y], y), 1);
  });
});
