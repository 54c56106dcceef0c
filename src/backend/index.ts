/**
 * # Backend: the engine that computes everything
 *
 * The TensorFlow.js engine, operations that it lacks, computations that are recorded and replayed
 * as graphs, seeded randomness, and the conventions that all rooms share: errors that say how to
 * fix them, JSON that is checked against a schema, and files that are written whole or not at all.
 */
export {
  at,
  lengthOf,
  matrix,
  numberOf,
  numbersOf,
  pair,
  type Shape4,
  shape2,
  shape3,
  shape4,
  tensor4,
  triple,
} from './checked';
export { CONVOLUTION_WITH_BIAS } from './convolution-with-bias';
export {
  convolve,
  convolveFilterGrad,
  convolveInputGrad,
  patches,
  type Window,
  windowLength,
} from './convolve';
export { withLock } from './file-lock';
export { type Computation, Graph } from './graph';
export { matMul, native, reluGrad, squaredNormOfPositions, squaredNormOfRows } from './primitives';
export { sumOverParts } from './recording';
export { inCheckout } from './root';
export {
  BACKENDS,
  type BackendChoice,
  type BackendName,
  startBackend,
  tf,
} from './start';
export { diskError, makeFolder, writeBeside, writeJson } from './write';

// Randomness is arithmetic, and wanted wherever there are tensors.

export {
  assertSeed,
  deriveSeed,
  noiseByIndex,
  normalAt,
  normals,
  permutation,
  uniformAt,
  uniformStream,
  uniforms,
} from '../numerics/index';
