import assert from 'node:assert/strict';
import { lnVolumeBound, snakeVariation, withoutBorder } from '../../src/invariance/index';
import { uniformAt } from '../../src/numerics/random';

describe('volumes of smooth images', () => {
  it('the snake turns at the ends of the rows', () => {
    // 0→1, 1→2, 2→4, then down the right edge to 7, back over 6 to 3.
    assert.equal(snakeVariation([1, 2, 4, 3, 6, 7], 2, 3), 1 + 1 + 2 + 3 + 1 + 3);
  });

  it('the snake variation is the rows plus the edges, the first step added, as in the paper’s script', () => {
    const side = 6;
    const x = Float64Array.from({ length: side * side }, (_, i) => uniformAt(1, i));
    const at = (row: number, column: number) => x[row * side + column] as number;
    let expected = at(0, 0);
    for (let row = 0; row < side; row++) {
      for (let column = 1; column < side; column++)
        expected += Math.abs(at(row, column) - at(row, column - 1));
      if (row > 0)
        expected +=
          row % 2 === 1
            ? Math.abs(at(row, side - 1) - at(row - 1, side - 1))
            : Math.abs(at(row, 0) - at(row - 1, 0));
    }
    assert.ok(Math.abs(snakeVariation(x, side, side) - expected) < 1e-12);
  });

  // 200,000 points in a box of volume (2·4α)... the share inside is 1/d!·(2α)^d/box; relative
  // standard error below 1.5 %.
  it('the volume of all images of four pixels with variation up to α is (2α)^d/d!, by counting random points', () => {
    const alpha = 1.3;
    const d = 4;
    const points = 400000;
    let hits = 0;
    for (let n = 0; n < points; n++) {
      // |x_i| ≤ α for all such images
      const x = Array.from({ length: d }, (_, i) => alpha * (2 * uniformAt(2, n * d + i) - 1));
      if (snakeVariation(x, 2, 2) <= alpha) hits++;
    }
    const volume = (hits / points) * (2 * alpha) ** d;
    assert.ok(Math.abs(volume / Math.exp(lnVolumeBound(alpha, d)) - 1) < 0.03, `${volume}`);
  });

  it('a border is cut off and values scaled', () => {
    assert.deepEqual([...withoutBorder([0, 0, 0, 0, 255, 0, 0, 0, 0], 3, 1)], [1]);
  });
});
