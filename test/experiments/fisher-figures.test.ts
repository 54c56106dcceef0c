import assert from 'node:assert/strict';
import {
  chiSquareFigure,
  decorrelationFigure,
  logNormalFigure,
  offDiagonalFigure,
  scalesFigure,
  windowFigure,
} from '../../src/experiments/fisher-figures';
import { depthOrder, type FisherEstimate } from '../../src/fisher/estimate';
import type { OffDiagonals, Window } from '../../src/fisher/windows';
import { normals } from '../../src/numerics/random';
import { toSvg } from '../../src/plots/render';

const layer = (name: string, size: number, trace: number) => ({
  name,
  size,
  trace,
  squaredNorms: Float64Array.of(trace),
  diagonal: new Float32Array(size),
  mean: new Float32Array(size),
  weights: [],
  gradients: new Float32Array(0),
});

describe('figures of the Fisher information', () => {
  it('draw a window with a line between layers and a blank where a weight has no gradient', async () => {
    const normalised = Float64Array.of(
      1,
      0.5,
      Number.NaN,
      0.5,
      1,
      Number.NaN,
      Number.NaN,
      Number.NaN,
      Number.NaN,
    );
    const window: Window = {
      layers: ['flow.layers.1.a', 'b'],
      starts: [0, 2],
      size: 3,
      raw: normalised,
      normalised,
    };
    const figure = windowFigure(window);
    assert.deepEqual((figure.data[0] as { z: unknown }).z, [
      [1, 0.5, null],
      [0.5, 1, null],
      [null, null, null],
    ]);
    assert.equal(figure.layout.shapes?.[0]?.x0, 1.5);
    assert.match(await toSvg(figure), /1\.a · b/);
  });

  it('draw sizes of weights, layers without gradients left out, by kind', () => {
    const estimate: FisherEstimate = {
      samples: 1,
      layers: [layer('a.bias', 2, 6), layer('a.weight', 4, 0), layer('b.bias', 5, 5)],
    };
    const { data } = scalesFigure(depthOrder(estimate));
    assert.equal(data.length, 1);
    assert.deepEqual(
      [data[0]?.x, data[0]?.y],
      [
        [0, 2],
        [3, 1],
      ],
    );
  });

  it('mark the average and both floors of off-diagonals', () => {
    const average = { value: 0.2, low: 0.1, high: 0.3 };
    const found: OffDiagonals = {
      values: Float64Array.of(-0.5, 0.1),
      average,
      floor: 0.02,
      measuredFloor: 0.05,
      beyondNoise: 0.1,
    };
    const { layout } = offDiagonalFigure(found);
    assert.deepEqual(
      layout.shapes?.map(({ x0 }) => x0),
      [0.02, 0.05, 0.2],
    );
  });

  it('put a χ² sample on the diagonal for its own degrees of freedom, and not for others', () => {
    const noise = normals(1, 6 * 400);
    const norms = Array.from({ length: 400 }, (_, i) =>
      noise.slice(6 * i, 6 * i + 6).reduce((sum, z) => sum + z * z, 0),
    );
    const spectrum = {
      name: 'made',
      size: 500,
      samples: 400,
      eigenvalues: new Float64Array(0),
      trace: 6,
      traceOfSquare: 6,
      degrees: { value: 6, low: 5, high: 7 },
    };
    const { data } = chiSquareFigure(norms, spectrum);
    const distance = (k: number) => {
      const { x, y } = data[k] as { x: number[]; y: number[] };
      return x.reduce((sum, value, i) => sum + Math.abs(value - (y[i] as number)), 0) / 400;
    };
    const [wrong, right] = data[0]?.mode === 'lines' ? [1, 2] : [0, 1];
    assert.ok(
      distance(right as number) < 0.05 && distance(wrong as number) > 0.3,
      `${distance(right as number)}, ${distance(wrong as number)}`,
    );
  });

  it('draw only a few hundred of thousands of norms against χ², including the smallest and the largest', () => {
    const norms = normals(1, 5000).map((z) => z * z);
    const degrees = { value: 1, low: 1, high: 1 };
    const of = {
      name: 'made',
      size: 3,
      samples: 9,
      eigenvalues: new Float64Array(0),
      trace: 1,
      traceOfSquare: 1,
      degrees,
    };
    const mean = norms.reduce((a, b) => a + b, 0) / norms.length;
    for (const { y } of chiSquareFigure(norms, of).data.filter(({ mode }) => mode === 'markers')) {
      const drawn = y as number[];
      assert.ok(drawn.length <= 400);
      const ends = [drawn[0], drawn[drawn.length - 1]].map((value) => (value as number) * mean);
      [Math.min(...norms), Math.max(...norms)].forEach((end, i) => {
        assert.ok(Math.abs((ends[i] as number) / end - 1) < 1e-9);
      });
    }
  });

  it('draw correlations with their bands, and log norms against the normal', () => {
    const byLag = [1, 0.5].map((value) => ({ value, low: value - 0.1, high: value + 0.1 }));
    const found = {
      byLag,
      overall: { value: 0.5, low: 0.4, high: 0.6 },
      commonShare: 0.7,
      matrix: new Float64Array(4),
      layers: 2,
    };
    const { data } = decorrelationFigure([{ name: 'mnist', found }]);
    assert.deepEqual(data[data.length - 1]?.y, [1, 0.5]);
    const normal = logNormalFigure([{ name: 'x', norms: normals(1, 500).map(Math.exp) }]);
    const points = normal.data.find(({ mode }) => mode === 'markers') as {
      x: number[];
      y: number[];
    };
    const gap = points.x.map((x, i) => Math.abs(x - (points.y[i] as number))).sort((a, b) => a - b);
    assert.ok(
      (gap[Math.floor(0.9 * gap.length)] as number) < 0.25,
      'a log-normal sample should lie on the diagonal',
    );
  });
});
