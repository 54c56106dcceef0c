/**
 * # Convolutions and their two gradients, on every backend
 *
 * `y[n,p] = Σ_k x̄[n, s·p + k] W[k]` with `x̄` the input padded by zeros, alike on all four sides
 * (PyTorch's convention; TensorFlow's `same` pads unevenly when the stride is 2, so it stands in
 * only where both agree). Layout `[N, H, W, C]`, filters `[kh, kw, I, O]`.
 *
 * The wasm backend has no gradient to the filter and a slow one to the input: there the first is a
 * product of matrices over patches, and the second, at stride 1, is a convolution with the filter
 * turned round.
 */
import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs';
import { type Shape4, shape4, tensor4 } from './checked';
import { convolutionWithBias } from './convolution-with-bias';
import { matMul, native } from './primitives';
import { tf } from './start';

/** The window that a convolution slides over its input. */
export interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: number;
  /** Zeros added on every side. */
  readonly pad: number;
}

/** Output length of a window along an axis of `length`, 0 where the window does not fit. */
export function windowLength(length: number, kernel: number, { stride, pad }: Window): number {
  return Math.max(0, Math.floor((length + 2 * pad - kernel) / stride) + 1);
}

function padsLikeSame({ kernel: [kh, kw], stride, pad }: Window): boolean {
  return stride === 1 && kh === 2 * pad + 1 && kw === 2 * pad + 1;
}

function padded(x: Tensor, pad: number): Tensor {
  return pad === 0
    ? x
    : tf.pad(x, [
        [0, 0],
        [pad, pad],
        [pad, pad],
        [0, 0],
      ]); // [N, H+2p, W+2p, C]
}

/**
 * `[N, H, W, I]` with filter `[kh, kw, I, O]`, and `bias` `[O]` if there is one, to
 * `[N, H', W', O]`.
 */
export function convolve(x: Tensor, filter: Tensor, window: Window, bias?: Tensor): Tensor {
  const same = padsLikeSame(window);
  const padding = same ? 'same' : 'valid';
  return tf.tidy(() => {
    const source = same ? x : padded(x, window.pad);
    const [n, h, w] = shape4(x, 'convolution');
    const [kh, kw] = window.kernel;
    const empty = n * windowLength(h, kh, window) * windowLength(w, kw, window) * filter.size === 0;
    const fused =
      bias === undefined || empty
        ? null
        : convolutionWithBias(source, filter, bias, window.stride, padding);
    if (fused !== null) return fused;
    const product = plain(source, filter, window.stride, padding);
    return bias === undefined ? product : tf.add(product, bias);
  });
}

/** TensorFlow.js's own, whose types ask for tensors of four axes. */
function plain(x: Tensor, filter: Tensor, stride: number, padding: 'same' | 'valid'): Tensor {
  return tf.conv2d(tensor4(x, 'convolution'), tensor4(filter, 'convolution'), stride, padding);
}

/** Gradient to the input, of `inputShape`, from that of the output, `dy`. */
export function convolveInputGrad(
  dy: Tensor,
  filter: Tensor,
  inputShape: Shape4,
  window: Window,
): Tensor {
  const { stride, pad } = window;
  const same = padsLikeSame(window);
  return tf.tidy(() => {
    if (same && native() === null) {
      const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]); // [kh, kw, O, I]
      return plain(dy, turned, 1, 'same');
    }
    const [n, h, w, c] = inputShape;
    const shape: Shape4 = same ? inputShape : [n, h + 2 * pad, w + 2 * pad, c];
    const dx: Tensor = tf
      .engine()
      .runKernel(tf.Conv2DBackpropInput, { dy, filter } as unknown as NamedTensorMap, {
        strides: stride,
        pad: same ? 'same' : 'valid',
        dataFormat: 'NHWC',
        inputShape: shape,
      }); // [N, H(+2p), W(+2p), I]
    return same || pad === 0 ? dx : tf.slice(dx, [0, pad, pad, 0], [n, h, w, c]);
  });
}

/** Gradient to the filter, summed over the images, `[kh, kw, I, O]`. */
export function convolveFilterGrad(
  x: Tensor,
  dy: Tensor,
  filterShape: Shape4,
  window: Window,
): Tensor {
  const same = padsLikeSame(window);
  return tf.tidy(() => {
    if (native() === null) {
      const [kh, kw, i, o] = filterShape;
      const columns = patches(x, window);
      return tf.reshape(
        matMul(tf.reshape(columns, [-1, kh * kw * i]), tf.reshape(dy, [-1, o]), true),
        filterShape,
      ); // [kh, kw, I, O]
    }
    const dw: Tensor = tf
      .engine()
      .runKernel(
        tf.Conv2DBackpropFilter,
        { x: same ? x : padded(x, window.pad), dy } as unknown as NamedTensorMap,
        {
          strides: window.stride,
          pad: same ? 'same' : 'valid',
          dataFormat: 'NHWC',
          filterShape,
        },
      );
    return dw;
  });
}

/**
 * The pixels under each position of the window, `[N, H'·W', kh·kw·C]`, the offset in the kernel
 * slowest. Two gathers, first across and then down, so that the second copies kw pixels at once;
 * shifted slices, joined, took the native library up to twice as long, and thirty times at stride
 * 2.
 */
export function patches(x: Tensor, window: Window): Tensor {
  const {
    kernel: [kh, kw],
    stride,
    pad,
  } = window;
  const [n, h, w, c] = shape4(x, 'patches');
  const pointwise = kh === 1 && kw === 1 && stride === 1 && pad === 0;
  if (pointwise) return tf.reshape(x, [n, h * w, c]); // [N, H·W, C]
  const [rows, columns] = [windowLength(h, kh, window), windowLength(w, kw, window)];
  const across = Int32Array.from(
    { length: columns * kw },
    (_, k) => stride * Math.floor(k / kw) + (k % kw),
  );
  const down = Int32Array.from({ length: rows * columns * kh }, (_, k) => {
    const [position, i] = [Math.floor(k / kh), k % kh];
    return (stride * Math.floor(position / columns) + i) * columns + (position % columns);
  });
  return tf.tidy(() => {
    const wide = tf.gather(padded(x, pad), tf.tensor1d(across), 2); // [N, H+2p, W'·kw, C]
    const lines = tf.reshape(wide, [n, (h + 2 * pad) * columns, kw * c]); // [N, (H+2p)·W', kw·C]
    const gathered = tf.gather(lines, tf.tensor1d(down), 1); // [N, H'·W'·kh, kw·C]
    return tf.reshape(gathered, [n, rows * columns, kh * kw * c]); // [N, H'·W', kh·kw·C]
  });
}
