/**
 * # Convolution and bias in one pass over memory
 *
 * Adding a bias after a convolution reads and writes the whole output once more. For the narrow
 * convolutions of Glow that takes a third of the convolution's time. oneDNN, the library below
 * TensorFlow's convolutions on processors, adds the bias while the output is still in registers,
 * with the same result to the last digit. TensorFlow offers this as `_FusedConv2D`, whose list of
 * names the addon cannot pass, and as `_MklNativeConv2DWithBias`, which takes plain attributes and
 * is called here. It is a private operation of TensorFlow (the attribute `_kernel` names its one
 * implementation). Where a library lacks it, or computes on a graphics card, the caller adds the
 * bias.
 */
import type { NamedTensorMap, Tensor, TensorInfo } from '@tensorflow/tfjs';
import { type NativeBackend, native } from './primitives';
import { tf } from './start';

/** The name by which `tf.profile` reports it; inputs are the image, the filter and the bias. */
export const CONVOLUTION_WITH_BIAS = 'ConvolutionWithBias';

type Padding = 'same' | 'valid';

/** Tried once, on one pixel. */
let offered: boolean | undefined;

/**
 * `x` [N, H, W, I] with `filter` [kh, kw, I, O], plus `bias` [O]; null where it cannot be had in
 * one. None of them is empty, and the filter fits.
 */
export function convolutionWithBias(
  x: Tensor,
  filter: Tensor,
  bias: Tensor,
  stride: number,
  padding: Padding,
): Tensor | null {
  const backend = native();
  if (backend === null || backend.isUsingGpuDevice) return null;
  // TensorFlow.js is differentiating, and knows its own operations only
  if (tf.engine().state.gradientDepth > 0) return null;
  if (!isOffered(backend)) return null;
  return tf
    .engine()
    .runKernel(CONVOLUTION_WITH_BIAS, { x, filter, bias } as unknown as NamedTensorMap, {
      stride,
      padding,
    }) as Tensor;
}

/** Whether there is such an operation here: tried at the first question. */
export function isOffered(backend: NativeBackend): boolean {
  offered ??= tryAndRegister(backend);
  return offered;
}

function tryAndRegister(backend: NativeBackend): boolean {
  try {
    const one = tf.tidy(
      () =>
        execute(
          backend,
          [tf.ones([1, 1, 1, 1]), tf.ones([1, 1, 1, 1]), tf.ones([1])],
          1,
          'valid',
        ).dataSync()[0],
    );
    if (one !== 2) return false;
  } catch {
    return false;
  }
  tf.registerKernel({
    kernelName: CONVOLUTION_WITH_BIAS,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs }) => {
      const { x, filter, bias } = inputs as Record<string, TensorInfo>;
      const { stride, padding } = attrs as unknown as { stride: number; padding: Padding };
      return execute(backend, [x, filter, bias] as TensorInfo[], stride, padding);
    },
  });
  return true;
}

function execute(
  backend: NativeBackend,
  inputs: TensorInfo[],
  stride: number,
  padding: Padding,
): Tensor {
  const { TF_ATTR_TYPE, TF_ATTR_INT, TF_ATTR_STRING, TF_FLOAT } = backend.binding;
  const attributes = [
    { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'strides', type: TF_ATTR_INT, value: [1, stride, stride, 1] },
    { name: 'padding', type: TF_ATTR_STRING, value: padding.toUpperCase() },
    { name: '_kernel', type: TF_ATTR_STRING, value: 'MklNameChangeOp' },
  ];
  return backend.executeSingleOutput('_MklNativeConv2DWithBias', attributes, inputs);
}
