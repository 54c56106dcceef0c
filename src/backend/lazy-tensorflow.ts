/**
 * # TensorFlow.js, loaded when it is first used
 *
 * Every module imports `tf` from here, but many commands never make a tensor: help, tables of
 * results, figures. So `tf` is a stand-in that loads the library when the first of its names is
 * used, which is when a backend starts.
 */
import type * as tfjs from '@tensorflow/tfjs';
import { lazily } from '../lazily';

const library = lazily(() => withoutSourceMaps(() => require('@tensorflow/tfjs') as typeof tfjs));

/**
 * Loads a library without its source maps. Those of TensorFlow.js are megabytes, and Node reads
 * them all where source maps are on, as they are under tsx: a third of the time it takes to load.
 */
export function withoutSourceMaps<T>(load: () => T): T {
  const before = process.sourceMapsEnabled;
  process.setSourceMapsEnabled(false);
  try {
    return load();
  } finally {
    process.setSourceMapsEnabled(before);
  }
}

/** The whole of TensorFlow.js. */
export const tf: typeof tfjs = new Proxy({} as typeof tfjs, {
  get: (_, name) => Reflect.get(library(), name),
  has: (_, name) => Reflect.has(library(), name),
});

/** Its types, of which one speaks most: `tf.Tensor`. */
export declare namespace tf {
  type Tensor<R extends tfjs.Rank = tfjs.Rank> = tfjs.Tensor<R>;
  type Scalar = tfjs.Scalar;
  type Tensor1D = tfjs.Tensor1D;
  type Tensor2D = tfjs.Tensor2D;
  type Tensor3D = tfjs.Tensor3D;
  type Tensor4D = tfjs.Tensor4D;
  type Variable<R extends tfjs.Rank = tfjs.Rank> = tfjs.Variable<R>;
}
