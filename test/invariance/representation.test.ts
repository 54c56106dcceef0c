import assert from 'node:assert/strict';
import fc from 'fast-check';
import { startBackend, tf } from '../../src/backend/start';
import { FisherlabError } from '../../src/errors';
import {
  affine,
  bothLogDets,
  compose,
  Field,
  gamma,
  hsl,
  hsv,
  jacobian,
  logAbsDet,
  logit,
  type Representation,
} from '../../src/invariance/index';
import { uniforms } from '../../src/numerics/random';
import { inside, maps, seams, shape, size } from './maps';

const field = (image: Float64Array) => new Field(image, [1, ...shape]);
const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce(
    (worst, x, i) =>
      Math.max(
        worst,
        Math.abs(x - (b[i] as number)) || (Number.isNaN(x) ? Number.POSITIVE_INFINITY : 0),
      ),
    0,
  );

/**
 * How far the closed form of log|det| is from automatic differentiation, over random images and the
 * seams; infinite for NaN.
 */
function worstLogDet(map: Representation): number {
  const images = [...[11, 12, 13].map(inside), ...Object.values(seams)];
  return Math.max(
    ...images.map((image) => {
      const { closed, automatic } = bothLogDets(map, image, shape);
      return Number.isNaN(closed - automatic)
        ? Number.POSITIVE_INFINITY
        : Math.abs(closed - automatic);
    }),
  );
}

const cube = fc.array(fc.double({ min: 1e-3, max: 1 - 1e-3, noNaN: true }), {
  minLength: size,
  maxLength: size,
});
const coloured = cube.filter((x) =>
  [0, 3, 6, 9].every((p) => {
    const [r, g, b] = x.slice(p, p + 3) as [number, number, number];
    return Math.max(r, g, b) - Math.min(r, g, b) > 1e-4;
  }),
);

describe('representations', () => {
  before(startBackend);

  for (const map of maps) {
    it(`${map.name}: the inverse undoes the map, in float64, at random images`, () => {
      fc.assert(
        fc.property(coloured, (values) => {
          const x = Float64Array.from(values);
          return largest(map.inverse(map.forward(field(x))).values, x) < 1e-9;
        }),
        { numRuns: 100, seed: 1 },
      );
    });

    it(`${map.name}: the map undoes its inverse`, () => {
      const y = map.forward(field(inside(21)));
      assert.ok(largest(map.forward(map.inverse(y)).values, y.values) < 1e-9);
    });

    it(`${map.name}: the inverse undoes the map at every seam`, () => {
      for (const [seam, x] of Object.entries(seams)) {
        const error = largest(map.inverse(map.forward(field(x))).values, x);
        assert.ok(error < 1e-9, `${seam}: off by ${error}`);
      }
    });

    it(`${map.name}: log|det| is the one of automatic differentiation, at random images and at every seam`, () => {
      const worst = worstLogDet(map);
      assert.ok(worst <= 1e-8, `off by ${worst}`);
    });

    it(`${map.name}: a wrong sign, factor or constant in log|det| would be noticed`, () => {
      const volumeKept = map.logAbsDetJacobian(field(inside(22))).values[0] === 0;
      const mutants: Record<string, (logDet: Field) => Field> = {
        'plus ln 2': (logDet) => logDet.add(Math.LN2),
        'minus 1e-6': (logDet) => logDet.sub(1e-6),
        ...(volumeKept
          ? {}
          : {
              'sign turned': (l: Field) => l.mul(-1),
              '0.1 % too large': (l: Field) => l.mul(1.001),
            }),
      };
      for (const [mutation, change] of Object.entries(mutants)) {
        const mutant: Representation = {
          ...map,
          logAbsDetJacobian: <S>(x: S) => change(map.logAbsDetJacobian(x as Field)) as S,
        };
        assert.ok(worstLogDet(mutant) > 1e-8, `${mutation} went unseen`);
      }
    });

    it(`${map.name}: tensors compute the same, and the forward map has the gradient of its Jacobian`, () => {
      const images = [inside(31), inside(32), seams['sextant b>r>g'] as Float64Array];
      const weights = Float64Array.from(uniforms(33, size));
      tf.tidy(() => {
        const x = tf.tensor4d(
          images.flatMap((image) => [...image]),
          [3, ...shape],
        );
        const y = map.forward<tf.Tensor>(x);
        const exact = images.map((image) => map.forward(field(image)).values);
        const scale = Math.max(1, ...exact.flatMap((one) => [...one].map(Math.abs)));
        assert.ok(
          largest(
            y.dataSync(),
            exact.flatMap((one) => [...one]),
          ) <
            2e-5 * scale,
          'forward',
        );
        assert.ok(largest(map.inverse<tf.Tensor>(y).dataSync(), x.dataSync()) < 2e-5, 'inverse');
        const logDets = images.map(
          (image) => map.logAbsDetJacobian(field(image)).values[0] as number,
        );
        const tensorLogDets = map.logAbsDetJacobian<tf.Tensor>(x);
        assert.deepEqual(tensorLogDets.shape, [3]);
        assert.ok(
          largest(tensorLogDets.dataSync(), logDets) < 2e-4 * Math.max(1, ...logDets.map(Math.abs)),
          'log-determinant',
        );

        const w = tf.tensor(Float32Array.from(weights), y.shape.slice(1));
        const gradient = tf
          .grad((at: tf.Tensor) => map.forward(at).mul(w).sum())(x)
          .dataSync();
        images.forEach((image, n) => {
          const rows = jacobian(map, image, shape);
          const expected = Float64Array.from({ length: size }, (_, i) =>
            rows.reduce((sum, row, o) => sum + (row[i] as number) * (weights[o] as number), 0),
          );
          const size1 = Math.max(1, ...expected.map(Math.abs));
          assert.ok(
            largest(gradient.subarray(n * size, (n + 1) * size), expected) < 1e-4 * size1,
            `gradient of image ${n}`,
          );
        });
      });
    });
  }

  it('|det| of HSV at one pixel is 1/(6·M·C), and of HSL 1/(6·C·(1−|2L−1|)), in all six sextants', () => {
    for (const [name, image] of Object.entries(seams)) {
      if (!name.startsWith('sextant')) continue;
      const one = image.slice(0, 3); // M = 0.8, m = 0.1, L = 0.45
      const logDet = (map: Representation) => logAbsDet(jacobian(map, one, [1, 1, 3]));
      assert.ok(Math.abs(Math.exp(logDet(hsv)) - 1 / (6 * 0.8 * 0.7)) < 1e-12, name);
      assert.ok(Math.abs(Math.exp(logDet(hsl)) - 1 / (6 * 0.7 * 0.9)) < 1e-12, name);
    }
  });

  it('known colours have the hue, saturation, value and lightness of the tables', () => {
    const values = (map: Representation, ...rgb: number[]) => [
      ...map.forward(new Field(Float64Array.from(rgb), [1, 1, 1, 3])).values,
    ];
    // Orange, a pale blue and a rose, whose hues are 30°, 240° and 330°.
    assert.ok(largest(values(hsv, 1, 0.5, 0), [30 / 360, 1, 1]) < 1e-12);
    assert.ok(largest(values(hsl, 1, 0.5, 0), [30 / 360, 1, 0.5]) < 1e-12);
    assert.ok(largest(values(hsv, 0.5, 0.5, 1), [240 / 360, 0.5, 1]) < 1e-12);
    assert.ok(largest(values(hsl, 0.5, 0.5, 1), [240 / 360, 1, 0.75]) < 1e-12);
    assert.ok(largest(values(hsv, 1, 0, 0.5), [330 / 360, 1, 1]) < 1e-12);
  });

  it('the CIELAB of red, green, blue and white are the published ones', () => {
    const cielab = maps.find((map) => map.name === 'RGB→CIELAB') as Representation;
    const lab = (...rgb: number[]) =>
      cielab.forward(new Field(Float64Array.from(rgb), [1, 1, 1, 3])).values;
    // Lindbloom's colour calculator, sRGB, D65, no adaptation.
    assert.ok(largest(lab(1, 0, 0), [53.24, 80.09, 67.2]) < 0.01);
    assert.ok(largest(lab(0, 1, 0), [87.73, -86.18, 83.18]) < 0.01);
    assert.ok(largest(lab(0, 0, 1), [32.3, 79.19, -107.86]) < 0.01);
    assert.ok(largest(lab(1, 1, 1), [100, 0, 0]) < 1e-9);
    assert.ok(largest(lab(0, 0, 0), [0, 0, 0]) < 1e-9);
  });

  it('a composition has the sum of the log-determinants, and of none is the identity', () => {
    const x = field(inside(41));
    const sum =
      (hsv.logAbsDetJacobian(x).values[0] as number) +
      (affine(2, 0).logAbsDetJacobian(x).values[0] as number);
    assert.ok(
      Math.abs((compose(hsv, affine(2, 0)).logAbsDetJacobian(x).values[0] as number) - sum) < 1e-12,
    );
    const identity = compose();
    assert.deepEqual(identity.forward(x).values, x.values);
    assert.deepEqual([...identity.logAbsDetJacobian(x).values], [0]);
  });

  it('the margin is positive inside the domain and not at grey, black and white', () => {
    const margin = (map: Representation, ...rgb: number[]) =>
      map.margin?.(new Field(Float64Array.from(rgb), [1, 1, 1, 3])).values[0] as number;
    assert.ok(margin(hsv, 0.2, 0.4, 0.6) > 0.19);
    assert.ok(!(margin(hsv, 0.5, 0.5, 0.5) > 0));
    assert.ok(!(margin(hsv, 0, -0.1, -0.2) > 0));
    assert.ok(!(margin(hsl, 1, 1, 1) > 0));
    assert.ok(!(margin(logit(0), 1, 0.5, 0.5) > 0));
    assert.ok(margin(logit(), 1, 0.5, 0) > 0);
    assert.ok(
      !(margin(compose(affine(1, -0.5), gamma(2)), 0.5, 0.9, 0.9) > 0),
      'the second map of a composition has a say',
    );
  });

  it('maps without an inverse are refused', () => {
    assert.throws(() => affine(0, 1), FisherlabError);
    assert.throws(() => gamma(0), FisherlabError);
    assert.throws(() => logit(0.5), FisherlabError);
  });
});
