/**
 * # Kernels that TensorFlow has and TensorFlow.js does not offer
 *
 * Passes over memory limit the speed of the backward pass as much as arithmetic does. The native
 * library has two kernels that save such passes and that tfjs does not export: the gradient of a
 * ReLU from its *output* (`ReluGrad`) and a Euclidean norm that reads its input once
 * (`EuclideanNorm`). Each is one function here: the native kernel where there is one, ordinary
 * operations elsewhere. The same holds for a product of matrices with a transpose, which the wasm
 * backend does five times faster when the transpose is made first.
 */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import { tf } from './start';

export interface NativeBackend {
  binding: Record<
    | 'TF_ATTR_TYPE'
    | 'TF_ATTR_BOOL'
    | 'TF_ATTR_INT'
    | 'TF_ATTR_FLOAT'
    | 'TF_ATTR_STRING'
    | 'TF_FLOAT'
    | 'TF_INT32',
    number
  >;
  isUsingGpuDevice: boolean;
  executeSingleOutput(name: string, attributes: unknown[], inputs: TensorInfo[]): Tensor;
}

/** The native backend, or null where another one runs. */
export function native(): NativeBackend | null {
  return tf.getBackend() === 'tensorflow' ? (tf.backend() as unknown as NativeBackend) : null;
}

const floatAttribute = (backend: NativeBackend) => ({
  name: 'T',
  type: backend.binding.TF_ATTR_TYPE,
  value: backend.binding.TF_FLOAT,
});

/** Squared Euclidean norm of each row of `x` [N, P], in one pass over memory. [N] */
export function squaredNormOfRows(x: Tensor): Tensor {
  return squaredNorm(x);
}

/** Sum of squares over the positions of `x` [N, T, C], in one pass over memory. [N, C] */
export function squaredNormOfPositions(x: Tensor): Tensor {
  return squaredNorm(x);
}

/** Along the second axis. */
function squaredNorm(x: Tensor): Tensor {
  const backend = native();
  if (x.size === 0) return tf.tidy(() => tf.sum(x, 1));
  if (backend === null) return tf.tidy(() => sumInBlocks(tf.square(x)));
  return tf.tidy(() => {
    const attributes = [
      floatAttribute(backend),
      { name: 'Tidx', type: backend.binding.TF_ATTR_TYPE, value: backend.binding.TF_INT32 },
      { name: 'keep_dims', type: backend.binding.TF_ATTR_BOOL, value: false },
    ];
    return tf.square(
      backend.executeSingleOutput('EuclideanNorm', attributes, [x, tf.tensor1d([1], 'int32')]),
    );
  });
}

/**
 * Sum along the second axis, [N, P, …] to [N, …], first within blocks, then of these. The wasm
 * backend adds one number after the other in float32, so that late ones are rounded to the size
 * that the sum has by then: of the squared gradient norm of a filter of 98,304 weights 1.4e-4 was
 * lost, in blocks 4e-6.
 */
function sumInBlocks(x: Tensor): Tensor {
  const [rows, length, ...rest] = x.shape as [number, number, ...number[]];
  let blocks = Math.floor(Math.sqrt(length));
  while (length % blocks !== 0) blocks--;
  const inBlocks = tf.reshape(x, [rows, blocks, length / blocks, ...rest]); // [N, b, P/b, …]
  return tf.sum(tf.sum(inBlocks, 2), 1); // [N, …]
}

/** Gradient of `y = relu(·)` from its output: `dy` where `y > 0`, else 0. Shape of `y`. */
export function reluGrad(dy: Tensor, y: Tensor): Tensor {
  const backend = native();
  if (backend === null || y.size === 0) return tf.mul(dy, tf.step(y));
  return backend.executeSingleOutput('ReluGrad', [floatAttribute(backend)], [dy, y]);
}

/** Product of the last two axes, as `tf.matMul`, at the backend's best way with transposes. */
export function matMul(a: Tensor, b: Tensor, transposeA = false, transposeB = false): Tensor {
  if (native() !== null || !(transposeA || transposeB))
    return tf.matMul(a, b, transposeA, transposeB);
  return tf.tidy(() =>
    tf.matMul(transposeA ? swapLastAxes(a) : a, transposeB ? swapLastAxes(b) : b),
  );
}

function swapLastAxes(x: Tensor): Tensor {
  const axes = x.shape.map((_, axis) => axis);
  return tf.transpose(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}
