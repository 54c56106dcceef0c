/**
 * The operations once more, by definition and in the plainest way: the window of a convolution as a
 * matrix of zeros and ones, everything else as products and sums that every backend can
 * differentiate. Slow and for tiny shapes; shares no line with `src/gradients`.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../../src/backend/start';

export interface PlainWindow {
  readonly kernel: readonly [number, number];
  readonly stride: number;
  readonly pad: number;
}

type Shape = readonly [number, number, number];

/**
 * Row (h, w, c) of the input and column (p, q, i, j, c) of the patches: one where input pixel (h,
 * w) is under tap (i, j) at position (p, q).
 */
function selection(
  [height, width, channels]: Shape,
  out: readonly [number, number],
  { kernel: [kh, kw], stride, pad }: PlainWindow,
): Tensor {
  const columns = out[0] * out[1] * kh * kw * channels;
  const values = new Float32Array(height * width * channels * columns);
  let column = 0;
  for (let p = 0; p < out[0]; p++)
    for (let q = 0; q < out[1]; q++)
      for (let i = 0; i < kh; i++)
        for (let j = 0; j < kw; j++)
          for (let c = 0; c < channels; c++, column++) {
            const [h, w] = [p * stride + i - pad, q * stride + j - pad];
            if (h >= 0 && h < height && w >= 0 && w < width)
              values[((h * width + w) * channels + c) * columns + column] = 1;
          }
  return tf.tensor2d(values, [height * width * channels, columns]);
}

/** Positions of a window along an axis. */
export function positions(length: number, kernel: number, { stride, pad }: PlainWindow): number {
  return Math.floor((length + 2 * pad - kernel) / stride) + 1;
}

/** [N, H, W, I] with [kh, kw, I, O] to [N, H', W', O]. */
export function convolution(x: Tensor, filter: Tensor, window: PlainWindow): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const [kh, kw, , o] = filter.shape as [number, number, number, number];
  const out = [positions(h, kh, window), positions(w, kw, window)] as const;
  const flat = tf.reshape(x, [n, h * w * c]); // [N, H·W·I]
  const patches = tf.matMul(flat, selection([h, w, c], out, window)); // [N, T·k·I]
  const y = tf.matMul(
    tf.reshape(patches, [n * out[0] * out[1], kh * kw * c]),
    tf.reshape(filter, [kh * kw * c, o]),
  );
  return tf.reshape(y, [n, out[0], out[1], o]);
}

/**
 * [N, H, W, I] with [kh, kw, O, I] to [N, H', W', O]: the transpose of the convolution from H'xW'
 * to HxW.
 */
export function transposedConvolution(
  x: Tensor,
  filter: Tensor,
  window: PlainWindow,
  out: readonly [number, number],
): Tensor {
  const [n, h, w, i] = x.shape as [number, number, number, number];
  const [kh, kw, o] = filter.shape as [number, number, number, number];
  const spread = tf.matMul(
    tf.reshape(x, [n * h * w, i]),
    tf.transpose(tf.reshape(filter, [kh * kw * o, i])),
  ); // [N·T, k·O]
  const matrix = tf.transpose(selection([out[0], out[1], o], [h, w], window)); // [T·k·O, H'·W'·O]
  return tf.reshape(tf.matMul(tf.reshape(spread, [n, h * w * kh * kw * o]), matrix), [
    n,
    out[0],
    out[1],
    o,
  ]);
}

/** Every other number of the last axis, from `first` on: [N, H, W, 2C] to [N, H, W, C]. */
export function everyOther(x: Tensor, first: 0 | 1): Tensor {
  const c = x.shape[3] as number;
  const pick = tf.tensor2d(
    Float32Array.from({ length: (c * c) / 2 }, (_, k) =>
      Math.floor(k / (c / 2)) === 2 * (k % (c / 2)) + first ? 1 : 0,
    ),
    [c, c / 2],
  );
  return tf.reshape(tf.matMul(tf.reshape(x, [-1, c]), pick), [...x.shape.slice(0, 3), c / 2]);
}

/** Normalises along `axes` with ε = 1e-5. */
export function normalise(x: Tensor, axes: number[]): Tensor {
  const centred = tf.sub(x, tf.mean(x, axes, true));
  return tf.div(centred, tf.sqrt(tf.add(tf.mean(tf.square(centred), axes, true), 1e-5)));
}
