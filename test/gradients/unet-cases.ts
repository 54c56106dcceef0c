/**
 * The operations of the diffusion U-Net and of the VAE that are not in `cases.ts`, likewise next to
 * the same by definition.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../../src/backend/start';
import { type Layer, type Layout, makeLayer } from '../../src/gradients/layer';
import { gelu, leakyRelu, scale, silu, tanh } from '../../src/gradients/operations/activations';
import { attention } from '../../src/gradients/operations/attention';
import { convolution } from '../../src/gradients/operations/convolution';
import { convolutionBlock } from '../../src/gradients/operations/convolution-block';
import { dense } from '../../src/gradients/operations/dense';
import { gaussianLatent, squaredError } from '../../src/gradients/operations/latent';
import { linearAttention } from '../../src/gradients/operations/linear-attention';
import { meanAbsoluteError, noised } from '../../src/gradients/operations/noising';
import { rearrange, splitChannels } from '../../src/gradients/operations/plumbing';
import { upsample } from '../../src/gradients/operations/upsample';
import type { Tape, Value } from '../../src/gradients/tape';
import { normals } from '../../src/numerics/random';
import type { Case, Sizes } from './cases';
import * as plain from './plain';

const v = (layer: Layer) => layer.variable as Tensor;

function maker({ seed, frozen }: Sizes) {
  const layers: Layer[] = [];
  const make = (
    name: string,
    shape: number[],
    layout: Layout = 'plain',
    spread = 0.5,
    centre = 0,
  ): Layer => {
    const size = shape.reduce((product, length) => product * length, 1);
    const values = normals(seed + layers.length, size).map((value) => centre + spread * value);
    const layer = makeLayer(name, layout, shape, values, frozen && layers.length === 0);
    layers.push(layer);
    return layer;
  };
  return { layers, make };
}

/** The same numbers for every image: [N, …shape]. */
function forEach(x: Tensor, shape: number[], seed: number): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tile(tf.reshape(tf.tensor1d(normals(seed, size)), [1, ...shape]), [
    x.shape[0] as number,
    ...shape.map(() => 1),
  ]);
}

function block(s: Sizes, modulated: boolean): Case {
  const { layers, make } = maker(s);
  const k = 2 * Math.floor(s.kernel / 2) + 1;
  const [h, w, i, o] = [s.h + 1, s.w, s.i + 1, 2 * s.o];
  const weight = make('weight', [o, i, k, k], 'convolution', 1);
  const bias = make('bias', [o]);
  const [gain, offset] = [make('gain', [o], 'plain', 0.3, 1), make('offset', [o])];
  const time = modulated ? make('time', [2 * o, h * w * i], 'dense', 0.2) : null;
  const flat = (x: Tensor) => tf.reshape(x, [x.shape[0] as number, h * w * i]);
  return {
    layers,
    input: [h, w, i],
    taped: (tape, x) => {
      const modulation =
        time === null
          ? undefined
          : dense(
              tape,
              rearrange(tape, x, flat, (y) => tf.reshape(y, [-1, h, w, i])),
              time,
            );
      return [convolutionBlock(tape, x, { weight, bias, gain, offset }, s.o, modulation)];
    },
    plain: (x) => {
      const window = { kernel: [k, k] as const, stride: 1, pad: (k - 1) / 2 };
      const n = tf.add(
        plain.convolution(x, plain.normalise(v(weight), [0, 1, 2]), window),
        v(bias),
      );
      const grouped = tf.reshape(n, [-1, h * w, s.o, 2]); // [N, T, groups, 2]
      const normal = tf.add(
        tf.mul(tf.reshape(plain.normalise(grouped, [1, 3]), n.shape), v(gain)),
        v(offset),
      );
      if (time === null) return [tf.mul(normal, tf.sigmoid(normal))];
      const [a, c] = tf.split(tf.reshape(tf.matMul(flat(x), v(time)), [-1, 1, 1, 2 * o]), 2, 3) as [
        Tensor,
        Tensor,
      ];
      const z = tf.add(tf.mul(normal, tf.add(a, 1)), c);
      return [tf.mul(z, tf.sigmoid(z))];
    },
  };
}

/** [N, T, E] to the heads' [N, heads, T, d]. */
const byHead = (x: Tensor, heads: number) => {
  const [n, t, e] = x.shape as [number, number, number];
  return tf.transpose(tf.reshape(x, [n, t, heads, e / heads]), [0, 2, 1, 3]);
};

export const UNET_CASES: Record<string, (sizes: Sizes) => Case> = {
  'convolution block': (s) => block(s, false),
  'convolution block with modulation': (s) => block(s, true),
  'linear attention': (s) => {
    const { layers, make } = maker(s);
    const [heads, d, c] = [2, s.o, s.i];
    const e = heads * d;
    const qkv = make('qkv', [3 * e, c, 1, 1], 'convolution', 1);
    const [out, bias] = [make('out', [c, e, 1, 1], 'convolution', 1), make('bias', [c])];
    return {
      layers,
      input: [s.h, s.w, c],
      taped: (tape, x) => [linearAttention(tape, x, { qkv, out, bias }, heads)],
      plain: (x) => {
        const [n, t] = [x.shape[0] as number, s.h * s.w];
        const all = tf.reshape(
          tf.matMul(tf.reshape(x, [n * t, c]), tf.reshape(v(qkv), [c, 3 * e])),
          [n, t, 3 * e],
        );
        const [q, k, values] = tf.split(all, 3, 2).map((part) => byHead(part, heads)) as [
          Tensor,
          Tensor,
          Tensor,
        ];
        const queries = tf.div(tf.softmax(q), Math.sqrt(d)); // [N, heads, T, d]
        const keys = tf.softmax(tf.transpose(k, [0, 1, 3, 2])); // [N, heads, d, T]
        const context = tf.matMul(keys, tf.div(values, t)); // [N, heads, d, d]
        const looked = tf.transpose(tf.matMul(queries, context), [0, 2, 1, 3]); // [N, T, heads, d]
        const y = tf.add(
          tf.matMul(tf.reshape(looked, [n * t, e]), tf.reshape(v(out), [e, c])),
          v(bias),
        );
        return [tf.reshape(y, [n, s.h, s.w, c])];
      },
    };
  },
  attention: (s) => {
    const { layers, make } = maker(s);
    const [heads, d] = [2, s.o];
    const e = heads * d;
    const qkv = make('qkv', [3 * e, s.i, 1, 1], 'convolution', 1);
    return {
      layers,
      input: [s.h, s.w, s.i],
      taped: (tape, x) => [attention(tape, convolution(tape, x, qkv), heads)],
      plain: (x) => {
        const [n, t] = [x.shape[0] as number, s.h * s.w];
        const all = tf.reshape(
          tf.matMul(tf.reshape(x, [n * t, s.i]), tf.reshape(v(qkv), [s.i, 3 * e])),
          [n, t, 3 * e],
        );
        const [q, k, values] = tf.split(all, 3, 2).map((part) => byHead(part, heads)) as [
          Tensor,
          Tensor,
          Tensor,
        ];
        const products = tf.matMul(q, k, false, true); // [N, heads, T, T]
        const weights = tf.softmax(tf.div(products, Math.sqrt(d))); // [N, heads, T, T]
        return [
          tf.reshape(tf.transpose(tf.matMul(weights, values), [0, 2, 1, 3]), [n, s.h, s.w, e]),
        ];
      },
    };
  },
  'upsampling of a convolution': (s) => {
    const { layers, make } = maker(s);
    const weight = make('weight', [s.o, s.i, 1, 1], 'convolution');
    const repeat = (length: number) =>
      tf.tensor2d(
        Float32Array.from({ length: 2 * length * length }, (_, k) =>
          Math.floor(Math.floor(k / length) / 2) === k % length ? 1 : 0,
        ),
        [2 * length, length],
      ); // [2L, L]
    return {
      layers,
      input: [s.h, s.w, s.i],
      taped: (tape, x) => [upsample(tape, convolution(tape, x, weight))],
      plain: (x) => {
        const n = x.shape[0] as number;
        const y = plain.convolution(x, v(weight), { kernel: [1, 1], stride: 1, pad: 0 });
        const rows = tf.matMul(
          tf.tile(tf.expandDims(repeat(s.h), 0), [n, 1, 1]),
          tf.reshape(y, [n, s.h, s.w * s.o]),
        ); // [N, 2H, W·O]
        const wide = tf.matMul(
          tf.tile(tf.expandDims(repeat(s.w), 0), [2 * n * s.h, 1, 1]),
          tf.reshape(rows, [2 * n * s.h, s.w, s.o]),
        );
        return [tf.reshape(wide, [n, 2 * s.h, 2 * s.w, s.o])];
      },
    };
  },
  'activations of a dense layer': (s) => {
    const { layers, make } = maker(s);
    const weight = make('weight', [s.o, s.i], 'dense', 1);
    const slope = 0.1;
    return {
      layers,
      input: [s.i],
      taped: (tape: Tape, x: Value) => {
        const y = dense(tape, x, weight);
        return [
          leakyRelu(tape, y, slope),
          tanh(tape, y),
          silu(tape, y),
          gelu(tape, y),
          scale(tape, y, -3, 2),
        ];
      },
      plain: (x) => {
        const y = tf.matMul(x, v(weight));
        const [up, down] = [tf.exp(y), tf.exp(tf.neg(y))];
        return [
          tf.sub(tf.relu(y), tf.mul(tf.relu(tf.neg(y)), slope)),
          tf.div(tf.sub(up, down), tf.add(up, down)),
          tf.div(y, tf.add(1, down)),
          tf.mul(tf.mul(y, 0.5), tf.add(1, tf.erf(tf.div(y, Math.SQRT2)))),
          tf.add(tf.mul(y, -3), 2),
        ];
      },
    };
  },
  'latent and squared error': (s) => {
    const { layers, make } = maker(s);
    const [encode, decode] = [
      make('encode', [2 * s.o, s.i], 'dense'),
      make('decode', [s.i, s.o], 'dense'),
    ];
    return {
      layers,
      input: [s.i],
      taped: (tape, x) => {
        const [mu, logs] = splitChannels(tape, dense(tape, x, encode), s.o);
        const { z, kl } = gaussianLatent(tape, mu, logs, forEach(x.tensor, [s.o], 5));
        return [squaredError(tape, x, dense(tape, z, decode)), kl];
      },
      plain: (x) => {
        const [mu, logs] = tf.split(tf.matMul(x, v(encode)), 2, 1) as [Tensor, Tensor];
        const sigma = tf.exp(logs);
        const z = tf.add(mu, tf.mul(sigma, forEach(x, [s.o], 5)));
        const kl = tf.sub(tf.div(tf.sub(tf.add(tf.square(mu), tf.square(sigma)), 1), 2), logs);
        return [tf.sum(tf.square(tf.sub(x, tf.matMul(z, v(decode)))), 1), tf.sum(kl, 1)];
      },
    };
  },
  'noising and mean absolute error': (s) => {
    const { layers, make } = maker(s);
    const weight = make('weight', [s.i, s.i], 'dense', 1);
    return {
      layers,
      input: [s.i],
      taped: (tape, x) => {
        const n = x.shape[0] as number;
        const noise = forEach(x.tensor, [s.i], 5);
        const y = noised(tape, x, noise, tf.fill([n], 0.8), tf.fill([n], 0.6));
        return [meanAbsoluteError(tape, noise, dense(tape, y, weight))];
      },
      plain: (x) => {
        const noise = forEach(x, [s.i], 5);
        const y = tf.add(tf.mul(x, 0.8), tf.mul(noise, 0.6));
        return [tf.mean(tf.abs(tf.sub(noise, tf.matMul(y, v(weight)))), 1)];
      },
    };
  },
};
