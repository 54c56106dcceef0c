import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import type { Collector } from '../../src/gradients/collector';
import { groupNorms, summedGradients } from '../../src/gradients/collectors';
import { type Layer, makeLayer, setLayer } from '../../src/gradients/layer';
import { actnormLuConvolution } from '../../src/gradients/operations/actnorm-lu-convolution';
import { coupling } from '../../src/gradients/operations/coupling';
import { joinChannels, splitChannels } from '../../src/gradients/operations/plumbing';
import { zeroConvolution } from '../../src/gradients/operations/zero-convolution';
import { Tape } from '../../src/gradients/tape';
import { normals } from '../../src/numerics/random';
import { assertClose } from '../support/close';

/**
 * One step of a flow whose coupling network is a zero-convolution, once on the tape and once in
 * float64 loops of our own. Its objective is the log-determinant *alone* — by the Jacobian of the
 * whole map in float64, by elimination — so what is compared is exactly the part of the gradient
 * that activations do not show.
 */
const [H, W, C] = [2, 3, 4];
const T = H * W;
const HALF = C / 2;

interface Parameters {
  readonly bias: Float64Array;
  readonly logs: Float64Array;
  readonly lower: Float64Array;
  readonly lus: Float64Array;
  readonly upper: Float64Array;
  readonly weight: Float64Array;
  readonly zeroBias: Float64Array;
  readonly zeroLogs: Float64Array;
}

const SIZES: Record<keyof Parameters, number> = {
  bias: C,
  logs: C,
  lower: C * C,
  lus: C,
  upper: C * C,
  weight: 9 * HALF * C,
  zeroBias: C,
  zeroLogs: C,
};
const NAMES = Object.keys(SIZES) as (keyof Parameters)[];
const PERMUTATION = [2, 0, 3, 1];
const SIGNS = [1, -1, -1, 1];

/** The map of one image in float64; `weight` is [3, 3, HALF, C]. */
function step(p: Parameters, x: Float64Array): Float64Array {
  const at = (array: Float64Array, k: number) => array[k] as number;
  const L = (r: number, c: number) => (r === c ? 1 : c < r ? at(p.lower, r * C + c) : 0);
  const U = (r: number, c: number) =>
    r === c ? (SIGNS[r] as number) * Math.exp(at(p.lus, r)) : c > r ? at(p.upper, r * C + c) : 0;
  const mixing = Array.from({ length: C }, (_, r) =>
    Array.from({ length: C }, (_, c) => {
      let total = 0;
      for (let k = 0; k < C; k++) total += L(PERMUTATION[r] as number, k) * U(k, c);
      return total;
    }),
  );
  const z = new Float64Array(T * C);
  for (let t = 0; t < T; t++)
    for (let r = 0; r < C; r++)
      for (let c = 0; c < C; c++)
        z[t * C + r] =
          at(z, t * C + r) +
          ((mixing[r] as number[])[c] as number) *
            (at(x, t * C + c) + at(p.bias, c)) *
            Math.exp(at(p.logs, c));
  const out = Float64Array.from(z);
  for (let h = 0; h < H; h++)
    for (let w = 0; w < W; w++) {
      const network = Array.from({ length: C }, (_, o) => {
        let total = at(p.zeroBias, o);
        for (let i = 0; i < 3; i++)
          for (let j = 0; j < 3; j++) {
            const [row, column] = [h + i - 1, w + j - 1];
            if (row < 0 || row >= H || column < 0 || column >= W) continue;
            for (let c = 0; c < HALF; c++)
              total +=
                at(p.weight, ((i * 3 + j) * HALF + c) * C + o) * at(z, (row * W + column) * C + c);
          }
        return total * Math.exp(3 * at(p.zeroLogs, o));
      });
      for (let c = 0; c < HALF; c++) {
        const scale = 1 / (1 + Math.exp(-((network[2 * c + 1] as number) + 2)));
        const k = (h * W + w) * C + HALF + c;
        out[k] = (at(z, k) + (network[2 * c] as number)) * scale;
      }
    }
  return out;
}

/**
 * log|det| of the Jacobian of `step`, its columns by central differences, by elimination with
 * pivots.
 */
function logDeterminant(p: Parameters, x: Float64Array): number {
  const n = x.length;
  const rows: number[][] = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  for (let k = 0; k < n; k++) {
    const moved = (by: number) =>
      step(
        p,
        Float64Array.from(x, (value, j) => (j === k ? value + by : value)),
      );
    const [up, down] = [moved(1e-5), moved(-1e-5)];
    for (let r = 0; r < n; r++)
      (rows[r] as number[])[k] = ((up[r] as number) - (down[r] as number)) / 2e-5;
  }
  let total = 0;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let r = k + 1; r < n; r++)
      if (Math.abs(rows[r]?.[k] as number) > Math.abs(rows[pivot]?.[k] as number)) pivot = r;
    [rows[k], rows[pivot]] = [rows[pivot] as number[], rows[k] as number[]];
    const top = rows[k] as number[];
    total += Math.log(Math.abs(top[k] as number));
    for (let r = k + 1; r < n; r++) {
      const row = rows[r] as number[];
      const factor = (row[k] as number) / (top[k] as number);
      for (let c = k; c < n; c++) row[c] = (row[c] as number) - factor * (top[c] as number);
    }
  }
  return total;
}

describe('log-determinants', () => {
  before(startBackend);

  it('of actnorm, LU convolution and coupling, and their gradients for every weight, equal float64 finite differences of the Jacobian', () => {
    const parameters = Object.fromEntries(
      NAMES.map((name, k) => [
        name,
        Float64Array.from(normals(40 + k, SIZES[name]), (value) => Math.fround(0.3 * value)),
      ]),
    ) as unknown as Parameters;
    const x = Float64Array.from(normals(7, T * C), (value) => Math.fround(value));
    const layers = Object.fromEntries(
      NAMES.map((name) => [
        name,
        makeLayer(
          name,
          'plain',
          name === 'weight' ? [3, 3, HALF, C] : SIZES[name] === C * C ? [C, C] : [C],
          Float32Array.from(parameters[name]),
        ),
      ]),
    ) as Record<keyof Parameters, Layer>;
    const fixed = (name: string, shape: number[], values: number[]) => {
      const layer = makeLayer(name, 'plain', shape, new Float32Array(values.length), true);
      setLayer(layer, Float32Array.from(values));
      return layer;
    };
    const P = fixed(
      'P',
      [C, C],
      PERMUTATION.flatMap((column) => Array.from({ length: C }, (_, c) => (c === column ? 1 : 0))),
    );
    const signs = fixed('signs', [C], SIGNS);
    const images = tf.tensor4d(Float32Array.from([...x, ...x]), [2, H, W, C]);

    const run = (collector: Collector) => {
      const tape = new Tape(collector);
      try {
        return tf.tidy(() => {
          const { z, logDet } = actnormLuConvolution(
            tape,
            tape.constant(images),
            layers.bias,
            layers.logs,
            {
              lower: layers.lower,
              logs: layers.lus,
              upper: layers.upper,
              P,
              signs,
            },
          );
          const [a, b] = splitChannels(tape, z, HALF);
          const { y, logDet: scaling } = coupling(
            tape,
            b,
            zeroConvolution(tape, a, {
              weight: layers.weight,
              bias: layers.zeroBias,
              logs: layers.zeroLogs,
            }),
          );
          const joined = joinChannels(tape, a, y);
          const root = tape.apply({
            inputs: [logDet, scaling],
            output: tf.add(logDet.tensor, scaling.tensor),
            back: (dy) => [dy, dy],
          });
          assertClose([
            {
              name: 'step',
              actual: joined.tensor.dataSync().slice(0, T * C),
              expected: step(parameters, x),
            },
          ]);
          const value = root.tensor.dataSync().slice() as Float32Array;
          tape.backward(root);
          return value;
        });
      } finally {
        tape.dispose();
      }
    };
    const sums = summedGradients();
    const value = run(sums);
    assertClose(
      [
        {
          name: 'log-determinant',
          actual: value,
          expected: [logDeterminant(parameters, x), logDeterminant(parameters, x)],
        },
      ],
      {
        relative: 1e-5,
      },
    );
    const found = sums.read('sum');
    const joint = groupNorms(2);
    run(joint);
    const norms = joint.read('norms');
    const pairs = NAMES.map((name) => {
      const expected = Float64Array.from(parameters[name], (_, k) => {
        const moved = (by: number) => {
          const other = {
            ...parameters,
            [name]: Float64Array.from(parameters[name], (w, j) => (j === k ? w + by : w)),
          };
          return logDeterminant(other, x);
        };
        return (2 * (moved(1e-3) - moved(-1e-3))) / 2e-3; // two equal images
      });
      return { name, actual: found.get(name) ?? [], expected };
    });
    assertClose(pairs, { relative: 1e-4, ofLargest: 1e-4, absolute: 1e-4 });
    // Of the joint log-likelihood of two images, constants of log-determinants count twice.
    assertClose(
      pairs.map(({ name, expected }) => ({
        name: `${name}, norm of two`,
        actual: norms.get(name) ?? [],
        expected: [expected.reduce((total, value) => total + value * value, 0)],
      })),
      { relative: 1e-3, absolute: 1e-5 },
    );
    assert.ok(
      pairs.every(
        ({ name, expected }) => name === 'bias' || expected.some((slope) => Math.abs(slope) > 1e-3),
      ),
      'every layer moves it',
    );
    tf.dispose([
      images,
      P.variable,
      signs.variable,
      ...Object.values(layers).map((layer) => layer.variable),
    ]);
  });
});
