/**
 * Every operation on the tape, next to the same by definition in plain `tf` (see `plain.ts`), for
 * any shape. To test a new operation, add a case.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../../src/backend/start';
import { type Layer, type Layout, makeLayer, setLayer } from '../../src/gradients/layer';
import { actnorm } from '../../src/gradients/operations/actnorm';
import { actnormLuConvolution } from '../../src/gradients/operations/actnorm-lu-convolution';
import { batchNorm } from '../../src/gradients/operations/batch-norm';
import { convolution } from '../../src/gradients/operations/convolution';
import { coupling, gaussianLogDensity } from '../../src/gradients/operations/coupling';
import { couplingNetwork } from '../../src/gradients/operations/coupling-network';
import { dense } from '../../src/gradients/operations/dense';
import { groupNorm } from '../../src/gradients/operations/group-norm';
import { channelLayerNorm } from '../../src/gradients/operations/layer-norm';
import { type LuLayers, luConvolution } from '../../src/gradients/operations/lu-convolution';
import { joinChannels, splitChannels, sum } from '../../src/gradients/operations/plumbing';
import { standardisedConvolution } from '../../src/gradients/operations/standardised-convolution';
import { transposedConvolution } from '../../src/gradients/operations/transposed-convolution';
import { zeroConvolution } from '../../src/gradients/operations/zero-convolution';
import type { Tape, Value } from '../../src/gradients/tape';
import { normals } from '../../src/numerics/random';
import * as plain from './plain';
import { UNET_CASES } from './unet-cases';

export interface Case {
  readonly layers: readonly Layer[];
  /** Shape of one image. */
  readonly input: readonly number[];
  readonly taped: (tape: Tape, x: Value) => Value[];
  readonly plain: (x: Tensor) => Tensor[];
}

/** Sizes to make a case of: small whole numbers, from a property-based test. */
export interface Sizes {
  readonly h: number;
  readonly w: number;
  readonly i: number;
  readonly o: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  readonly seed: number;
  readonly frozen: boolean;
}

/** Makes layers one after the other, each from a stream of its own. */
function maker({ seed, frozen }: Sizes) {
  const layers: Layer[] = [];
  const make = (
    name: string,
    shape: number[],
    layout: Layout = 'plain',
    scale = 0.5,
    centre = 0,
  ): Layer => {
    const size = shape.reduce((product, length) => product * length, 1);
    const values = normals(seed + layers.length, size).map((value) => centre + scale * value);
    const layer = makeLayer(name, layout, shape, values, frozen && layers.length === 0);
    layers.push(layer);
    return layer;
  };
  return { layers, make };
}

const v = (layer: Layer) => layer.variable as Tensor;
const scaleOf = (logs: Layer) => tf.exp(v(logs));

function luLayers(make: ReturnType<typeof maker>['make'], c: number): LuLayers {
  const constant = (name: string, shape: number[], value: (k: number) => number): Layer => {
    const layer = makeLayer(
      name,
      'plain',
      shape,
      new Float32Array(shape.reduce((a, b) => a * b, 1)),
      true,
    );
    setLayer(
      layer,
      Float32Array.from({ length: layer.variable.size }, (_, k) => value(k)),
    );
    return layer;
  };
  const layers = {
    lower: make('lower', [c, c]),
    logs: make('log_s', [c]),
    upper: make('upper', [c, c]),
    P: constant('P', [c, c], (k) => ((Math.floor(k / c) + 1) % c === k % c ? 1 : 0)),
    signs: constant('signs', [c], (k) => (k % 3 === 1 ? -1 : 1)),
  };
  return layers;
}

/** W of the LU form, with masks by comparison of indices. */
function mixing({ lower, upper, logs, P, signs }: LuLayers): Tensor {
  const c = logs.variable.size;
  const where = (test: (row: number, column: number) => boolean) =>
    tf.tensor2d(
      Float32Array.from({ length: c * c }, (_, k) => (test(Math.floor(k / c), k % c) ? 1 : 0)),
      [c, c],
    );
  const square = (layer: Layer) => tf.reshape(v(layer), [c, c]);
  const eye = where((row, column) => row === column);
  const L = tf.add(
    tf.mul(
      square(lower),
      where((row, column) => column < row),
    ),
    eye,
  );
  const diagonal = tf.mul(eye, tf.reshape(tf.mul(v(signs), scaleOf(logs)), [1, c]));
  const U = tf.add(
    tf.mul(
      square(upper),
      where((row, column) => column > row),
    ),
    diagonal,
  );
  return tf.matMul(square(P), tf.matMul(L, U));
}

/** W applied to every pixel. */
function mixed(x: Tensor, W: Tensor): Tensor {
  const c = x.shape[3] as number;
  return tf.reshape(tf.matMul(tf.reshape(x, [-1, c]), tf.transpose(W)), x.shape);
}

/** A number for each image that does not depend on it. */
const forAll = (x: Tensor, value: Tensor) => tf.mul(tf.ones([x.shape[0] as number]), value);

export const CASES: Record<string, (sizes: Sizes) => Case> = {
  dense: (s) => {
    const { layers, make } = maker(s);
    const [weight, bias] = [make('weight', [s.o, s.i], 'dense'), make('bias', [s.o])];
    return {
      layers,
      input: [s.i],
      taped: (tape, x) => [dense(tape, x, weight, bias)],
      plain: (x) => [tf.add(tf.matMul(x, v(weight)), v(bias))],
    };
  },
  'dense, used twice': (s) => {
    const { layers, make } = maker({ ...s, frozen: false });
    const weight = make('weight', [s.i, s.i], 'dense');
    return {
      layers,
      input: [s.i],
      taped: (tape, x) => [dense(tape, dense(tape, x, weight), weight)],
      plain: (x) => [tf.matMul(tf.matMul(x, v(weight)), v(weight))],
    };
  },
  convolution: (s) => {
    const { layers, make } = maker(s);
    const [weight, bias] = [
      make('weight', [s.o, s.i, s.kernel, s.kernel], 'convolution'),
      make('bias', [s.o]),
    ];
    const window = { kernel: [s.kernel, s.kernel] as const, stride: s.stride, pad: s.pad };
    return {
      layers,
      input: [s.h, s.w, s.i],
      taped: (tape, x) => [convolution(tape, x, weight, bias, s)],
      plain: (x) => [tf.add(plain.convolution(x, v(weight), window), v(bias))],
    };
  },
  'convolution to fewer channels': (s) => {
    const { layers, make } = maker(s);
    const k = 3;
    const [weight, bias] = [
      make('weight', [s.o, s.o + s.i, k, k], 'convolution'),
      make('bias', [s.o]),
    ];
    const window = { kernel: [k, k] as const, stride: 1, pad: 1 };
    return {
      layers,
      input: [s.h + 1, s.w + 1, s.o + s.i],
      taped: (tape, x) => [convolution(tape, x, weight, bias, window)],
      plain: (x) => [tf.add(plain.convolution(x, v(weight), window), v(bias))],
    };
  },
  'convolution of few positions and many channels': (s) => {
    const { layers, make } = maker(s);
    const weight = make('weight', [8 * s.o, 8 * s.i, 1, 1], 'convolution', 0.2);
    return {
      layers,
      input: [2, s.w, 8 * s.i],
      taped: (tape, x) => [convolution(tape, x, weight)],
      plain: (x) => [plain.convolution(x, v(weight), { kernel: [1, 1], stride: 1, pad: 0 })],
    };
  },
  'convolution, used twice': (s) => {
    const { layers, make } = maker({ ...s, frozen: false });
    const k = 2 * Math.floor(s.kernel / 2) + 1;
    const weight = make('weight', [s.i, s.i, k, k], 'convolution');
    const window = { kernel: [k, k] as const, stride: 1, pad: (k - 1) / 2 };
    return {
      layers,
      input: [s.h, s.w, s.i],
      taped: (tape, x) => [
        convolution(
          tape,
          convolution(tape, x, weight, undefined, window),
          weight,
          undefined,
          window,
        ),
      ],
      plain: (x) => [plain.convolution(plain.convolution(x, v(weight), window), v(weight), window)],
    };
  },
  'transposed convolution': (s) => {
    const { layers, make } = maker(s);
    const kernel = Math.max(s.kernel, 2 * s.pad + 1, s.stride);
    const [weight, bias] = [
      make('weight', [s.i, s.o, kernel, kernel], 'convolution'),
      make('bias', [s.o]),
    ];
    const window = { kernel: [kernel, kernel] as const, stride: s.stride, pad: s.pad };
    const outputPad = s.stride - 1;
    const out = [s.h, s.w].map(
      (length) => (length - 1) * s.stride - 2 * s.pad + kernel + outputPad,
    ) as [number, number];
    return {
      layers,
      input: [s.h, s.w, s.i],
      taped: (tape, x) => [
        transposedConvolution(tape, x, weight, bias, { stride: s.stride, pad: s.pad, outputPad }),
      ],
      plain: (x) => [tf.add(plain.transposedConvolution(x, v(weight), window, out), v(bias))],
    };
  },
  'weight-standardised convolution': (s) => {
    const { layers, make } = maker(s);
    const k = 2 * Math.floor(s.kernel / 2) + 1;
    const [weight, bias] = [
      make('weight', [s.o, s.i + 1, k, k], 'convolution', 1),
      make('bias', [s.o]),
    ];
    const window = { kernel: [k, k] as const, stride: 1, pad: (k - 1) / 2 };
    return {
      layers,
      input: [s.h, s.w, s.i + 1],
      taped: (tape, x) => [standardisedConvolution(tape, x, weight, bias)],
      plain: (x) => [
        tf.add(plain.convolution(x, plain.normalise(v(weight), [0, 1, 2]), window), v(bias)),
      ],
    };
  },
  'group norm': (s) => {
    const { layers, make } = maker(s);
    const c = 2 * s.i;
    const [weight, bias] = [make('weight', [c], 'plain', 0.3, 1), make('bias', [c])];
    return {
      layers,
      input: [s.h + 1, s.w, c],
      taped: (tape, x) => [groupNorm(tape, x, weight, bias, s.i)],
      plain: (x) => {
        const shape = x.shape as [number, number, number, number];
        const grouped = tf.reshape(x, [shape[0], shape[1] * shape[2], s.i, 2]); // [N, T, groups, 2]
        return [
          tf.add(tf.mul(tf.reshape(plain.normalise(grouped, [1, 3]), shape), v(weight)), v(bias)),
        ];
      },
    };
  },
  'channel layer norm': (s) => {
    const { layers, make } = maker(s);
    const gain = make('gain', [s.i + 1], 'plain', 0.3, 1);
    return {
      layers,
      input: [s.h, s.w, s.i + 1],
      taped: (tape, x) => [channelLayerNorm(tape, x, gain)],
      plain: (x) => [tf.mul(plain.normalise(x, [3]), v(gain))],
    };
  },
  'batch norm on stored statistics': (s) => {
    const { layers, make } = maker(s);
    const [weight, bias] = [make('weight', [s.i], 'plain', 0.3, 1), make('bias', [s.i])];
    const stored = (values: (k: number) => number) =>
      makeLayer(
        'stored',
        'plain',
        [s.i],
        Float32Array.from({ length: s.i }, (_, k) => values(k)),
        true,
      );
    const [runningMean, runningVariance, batches] = [
      stored((k) => 0.2 * k - 0.1),
      stored((k) => 0.5 + 0.3 * k),
      stored(() => 0),
    ];
    return {
      layers,
      input: [s.h, s.w, s.i],
      taped: (tape, x) => [
        batchNorm(tape, x, { weight, bias, runningMean, runningVariance, batches }),
      ],
      plain: (x) => {
        const normalised = tf.div(
          tf.sub(x, v(runningMean)),
          tf.sqrt(tf.add(v(runningVariance), 1e-5)),
        );
        return [tf.add(tf.mul(normalised, v(weight)), v(bias))];
      },
    };
  },
  actnorm: (s) => {
    const { layers, make } = maker(s);
    const [bias, logs] = [make('bias', [s.i]), make('logs', [s.i])];
    return {
      layers,
      input: [s.h, s.w, s.i],
      taped: (tape, x) => {
        const { y, logDet } = actnorm(tape, x, bias, logs);
        return [y, logDet];
      },
      plain: (x) => [
        tf.mul(tf.add(x, v(bias)), scaleOf(logs)),
        forAll(x, tf.mul(tf.sum(v(logs)), s.h * s.w)),
      ],
    };
  },
  'LU 1x1 convolution': (s) => {
    const { layers, make } = maker(s);
    const lu = luLayers(make, s.i);
    return {
      layers,
      input: [s.h, s.w, s.i],
      taped: (tape, x) => {
        const { z, logDet } = luConvolution(tape, x, lu);
        return [z, logDet];
      },
      plain: (x) => [mixed(x, mixing(lu)), forAll(x, tf.mul(tf.sum(v(lu.logs)), s.h * s.w))],
    };
  },
  'actnorm and LU 1x1 convolution': (s) => {
    const { layers, make } = maker(s);
    const [bias, logs] = [make('bias', [s.i]), make('logs', [s.i])];
    const lu = luLayers(make, s.i);
    return {
      layers,
      input: [s.h, s.w, s.i],
      taped: (tape, x) => {
        const { z, logDet } = actnormLuConvolution(tape, x, bias, logs, lu);
        return [z, logDet];
      },
      plain: (x) => [
        mixed(tf.mul(tf.add(x, v(bias)), scaleOf(logs)), mixing(lu)),
        forAll(x, tf.mul(tf.add(tf.sum(v(logs)), tf.sum(v(lu.logs))), s.h * s.w)),
      ],
    };
  },
  'network of a coupling': (s) => {
    const { layers, make } = maker(s);
    const k = 2 * Math.floor(s.kernel / 2) + 1;
    const stage = (name: string, i: number, o: number, size: number, spread: number) => ({
      weight: make(`${name}.weight`, [o, i, size, size], 'convolution'),
      bias: make(`${name}.bias`, [o]),
      logs: make(`${name}.logs`, [o], 'plain', spread),
    });
    const hidden = [stage('first', s.i, 3, k, 0.5), stage('second', 3, 5, 1, 0.5)];
    const last = stage('last', 5, s.o, 3, 0.2);
    const scaled = (x: Tensor, { weight, bias, logs }: typeof last, times: number) => {
      const size = weight.variable.shape[0] as number;
      const window = { kernel: [size, size] as const, stride: 1, pad: (size - 1) / 2 };
      return tf.mul(
        tf.add(plain.convolution(x, v(weight), window), v(bias)),
        tf.exp(tf.mul(v(logs), times)),
      );
    };
    return {
      layers,
      input: [s.h, s.w, s.i],
      taped: (tape, x) => [couplingNetwork(tape, x, hidden, last)],
      plain: (x) => [
        scaled(
          hidden.reduce((y, layers) => tf.relu(scaled(y, layers, 1)), x),
          last,
          3,
        ),
      ],
    };
  },
  'zero-convolution': (s) => {
    const { layers, make } = maker(s);
    const weight = make('weight', [s.o, s.i, 3, 3], 'convolution');
    const [bias, logs] = [make('bias', [s.o]), make('logs', [s.o], 'plain', 0.2)];
    const window = { kernel: [3, 3] as const, stride: 1, pad: 1 };
    return {
      layers,
      input: [s.h, s.w, s.i],
      taped: (tape, x) => [zeroConvolution(tape, x, { weight, bias, logs })],
      plain: (x) => [
        tf.mul(
          tf.add(plain.convolution(x, v(weight), window), v(bias)),
          tf.exp(tf.mul(v(logs), 3)),
        ),
      ],
    };
  },
  'coupling of a zero-convolution': (s) => {
    const { layers, make } = maker(s);
    const weight = make('weight', [2 * s.i, s.i, 3, 3], 'convolution');
    const [bias, logs] = [make('bias', [2 * s.i]), make('logs', [2 * s.i], 'plain', 0.2)];
    const window = { kernel: [3, 3] as const, stride: 1, pad: 1 };
    return {
      layers,
      input: [s.h, s.w, 2 * s.i],
      taped: (tape, x) => {
        const [a, b] = splitChannels(tape, x, s.i);
        const { y, logDet } = coupling(tape, b, zeroConvolution(tape, a, { weight, bias, logs }));
        return [joinChannels(tape, a, y), logDet];
      },
      plain: (x) => {
        const [a, b] = tf.split(x, 2, 3) as [Tensor, Tensor];
        const h = tf.mul(
          tf.add(plain.convolution(a, v(weight), window), v(bias)),
          tf.exp(tf.mul(v(logs), 3)),
        );
        const scale = tf.sigmoid(tf.add(plain.everyOther(h, 1), 2));
        const y = tf.mul(tf.add(b, plain.everyOther(h, 0)), scale);
        return [tf.concat([a, y], 3), tf.sum(tf.log(scale), [1, 2, 3])];
      },
    };
  },
  'log-density of a Gaussian': (s) => {
    const { layers, make } = maker(s);
    const weight = make('weight', [3 * s.i, s.i, 1, 1], 'convolution', 0.3);
    const window = { kernel: [1, 1] as const, stride: 1, pad: 0 };
    return {
      layers,
      input: [s.h, s.w, s.i],
      taped: (tape, x) => {
        const [z, rest] = splitChannels(tape, convolution(tape, x, weight), s.i);
        const [mean, logs] = splitChannels(tape, rest, s.i);
        const density = gaussianLogDensity(tape, z, mean, logs);
        return [sum(tape, [density, density])];
      },
      plain: (x) => {
        const [z, mean, logs] = tf.split(plain.convolution(x, v(weight), window), 3, 3) as [
          Tensor,
          Tensor,
          Tensor,
        ];
        const u = tf.div(tf.sub(z, mean), tf.exp(logs));
        const each = tf.add(tf.add(tf.mul(logs, 2), tf.square(u)), Math.log(2 * Math.PI));
        return [tf.mul(tf.sum(each, [1, 2, 3]), -1)];
      },
    };
  },
  ...UNET_CASES,
};
