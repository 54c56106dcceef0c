/**
 * # The oracle: one image after the other
 *
 * The definition itself, with nothing clever in it: for every image n and every layer θ_j,
 *
 *     ∂/∂θ_j log p(x_n)
 *
 * by TensorFlow.js's own reverse mode (`tf.variableGrads`), in a plain loop over the images. The
 * model's log-likelihood only has to be made of `tf` operations on variables. The oracle is slow
 * (one backward pass an image) and exact, and it serves two purposes: every fast operation is
 * tested against it, and models that do not use the operations of `src/gradients` get their
 * gradients from it (`ordinaryModel` in `src/models/ordinary.ts`).
 */
import type { Tensor, Variable } from '@tensorflow/tfjs';
import { at, lengthOf, tf } from '../backend/index';
import { FisherlabError } from '../errors';
import type { Collector } from './collector';
import { directFactors } from './direct-factors';
import type { Layer } from './layer';

/**
 * `images` [N, …] and `noise` [N, …] to log p of each image [N], by `tf` operations that have
 * gradients. Image n may depend on `images[n]` and `noise[n]` only.
 */
export type PlainLogLikelihood = (images: Tensor, noise: Tensor) => Tensor;

/**
 * log p of each image [N], after `collector` has seen the gradients of every layer that is not
 * frozen, in the layers' order. The gradients of all images of all layers are held at once:
 * N·Σ|θ_j| numbers.
 * @throws {FisherlabError} if `logLikelihood` gives a wrong shape or does not depend on any layer
 */
export function oracleGradients(
  layers: readonly Layer[],
  logLikelihood: PlainLogLikelihood,
  images: Tensor,
  noise: Tensor,
  collector: Collector,
): Tensor {
  const n = lengthOf(images);
  const learned = layers.filter((layer) => !layer.frozen);
  return tf.tidy(() => {
    const values: Tensor[] = [];
    const rows: Tensor[][] = learned.map(() => []);
    for (let k = 0; k < n; k++) {
      const ofOne = () => logLikelihoodOfOne(logLikelihood, imageAt(images, k), imageAt(noise, k));
      if (learned.length === 0) {
        values.push(ofOne());
        continue;
      }
      const { value, grads } = gradientsOfOne(
        ofOne,
        learned.map((layer) => layer.variable),
      );
      values.push(value);
      learned.forEach(({ variable }, j) => {
        rows[j]?.push(
          tf.reshape(grads[variable.name] ?? tf.zerosLike(variable), [1, variable.size]),
        ); // [1, |θ|]
      });
    }
    if (n === 0) return tf.zeros([0]);
    learned.forEach((layer, j) => {
      const ofLayer = () => tf.concat(at(rows, j), 0); // [N, |θ|]
      const factors = directFactors('tf operations', n, ofLayer);
      try {
        collector.collect(layer, factors);
      } finally {
        factors.dispose();
      }
    });
    return tf.stack(values); // [N]
  });
}

/**
 * A scalar and its gradients by the variables' names, null where it does not depend on one.
 * @throws {FisherlabError} if it depends on none of them
 */
export function gradientsOfOne(
  f: () => Tensor,
  variables: Variable[],
): { value: Tensor; grads: Record<string, Tensor | null> } {
  let computed = false;
  try {
    return tf.variableGrads(() => {
      const value = f();
      computed = true;
      return value as tf.Scalar;
    }, variables) as { value: Tensor; grads: Record<string, Tensor | null> };
  } catch (error) {
    abandonTape();
    if (computed && error instanceof Error && error.message.includes('Cannot find a connection')) {
      throw new FisherlabError(
        'the log-likelihood does not depend on any layer',
        'compute it from the variables of the layers with tf operations',
      );
    }
    throw error;
  }
}

/**
 * Frees what TensorFlow.js saved for a way back that is not gone; it does so itself only where
 * nothing throws (4.22).
 */
function abandonTape(): void {
  const state = tf.engine().state as unknown as {
    gradientDepth: number;
    activeTape: { saved?: Tensor[] }[] | null;
  };
  if (state.gradientDepth > 0 || state.activeTape === null) return;
  for (const { saved } of state.activeTape) tf.dispose(saved ?? []);
  state.activeTape = null;
}

function logLikelihoodOfOne(
  logLikelihood: PlainLogLikelihood,
  image: Tensor,
  noise: Tensor,
): Tensor {
  const value = logLikelihood(image, noise);
  if (value.size !== 1 || value.shape.length !== 1) {
    throw new FisherlabError(
      `the log-likelihood of 1 image has shape [${value.shape.join(', ')}]`,
      'return one number an image, [N]',
    );
  }
  return tf.sum(value); // a scalar
}

/** Image k, with its axis: [1, …]. */
function imageAt(x: Tensor, k: number): Tensor {
  return tf.slice(x, k, 1);
}
