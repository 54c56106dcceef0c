/**
 * # A model of your own, from ordinary tf operations
 *
 * Any function of images and `tf` variables that returns log-likelihoods is a model: every feature
 * and every detector works with it. It does not have to use the operations of `src/gradients`. Its
 * gradients come from the oracle, one image after the other, which is exact and costs one backward
 * pass an image. (Where that is too slow, write the forward pass on a tape: see `TapedModel` in
 * `model.ts` and "How to add an operation" in `gradients/operations/convolution.ts`.)
 *
 * A complete example, a RealNVP (Dinh et al. 2017, arXiv 1605.08803) of two affine couplings for
 * images of 4x4 grey pixels. Each coupling shifts and scales one half of the pixels by what a small
 * network makes of the other, so that `log p(x) = log N(z) + Σ s`, and the dequantisation
 * `(x + u)/256 − ½` takes 16 ln 256 off.
 *
 * ```ts
 * import { tf } from './src/backend/index';
 * import { noiseByIndex, normals } from './src/numerics/index';
 * import { ordinaryModel } from './src/models/ordinary';
 *
 * const weights = (seed: number, shape: number[]) =>
 *   tf.tidy(() => {
 *     const values = normals(seed, tf.util.sizeFromShape(shape));
 *     return tf.variable(tf.mul(tf.tensor(values, shape), 0.3));
 *   });
 * const variables = {
 *   'first.hidden': weights(1, [8, 12]),
 *   'first.out': weights(2, [12, 16]),
 *   'second.hidden': weights(3, [8, 12]),
 *   'second.out': weights(4, [12, 16]),
 * };
 *
 * // b' = b·e^s + t with [t, s] from a; returns b' and log|det| = Σ s.
 * const couple = (name: 'first' | 'second', a: tf.Tensor2D, b: tf.Tensor2D) => {
 *   const [inner, outer] = [variables[`${name}.hidden`], variables[`${name}.out`]];
 *   const hidden = tf.tanh(tf.matMul(a, inner as tf.Tensor2D)) as tf.Tensor2D; // [N, 12]
 *   const [t, raw] = tf.split(tf.matMul(hidden, outer as tf.Tensor2D), 2, 1); // [N, 8] each
 *   const s = tf.tanh(raw);
 *   return { moved: tf.add(tf.mul(b, tf.exp(s)), t) as tf.Tensor2D, logDet: tf.sum(s, 1) };
 * };
 *
 * const realNvp = ordinaryModel({
 *   family: 'real-nvp',
 *   imageShape: [4, 4, 1],
 *   variables,
 *   noise: (indices, seed) =>
 *     tf.tensor4d(noiseByIndex('uniform', seed, indices, 16), [indices.length, 4, 4, 1]),
 *   logLikelihood: (images, noise) => {
 *     const x = tf.sub(tf.div(tf.add(images, noise), 256), 0.5);
 *     const flat = tf.reshape(x, [-1, 16]); // [N, 16]
 *     const [a, b] = tf.split(flat, 2, 1) as [tf.Tensor2D, tf.Tensor2D]; // [N, 8] each
 *     const first = couple('first', a, b);
 *     const second = couple('second', first.moved, a);
 *     const z = tf.concat([first.moved, second.moved], 1); // [N, 16]
 *     const prior = tf.mul(tf.sum(tf.add(tf.square(z), Math.log(2 * Math.PI)), 1), -0.5);
 *     return tf.sub(tf.add(prior, tf.add(first.logDet, second.logDet)), 16 * Math.log(256)); // [N]
 *   },
 * });
 * ```
 *
 * `realNvp` goes wherever a model goes: `extractTables` of `src/features`, `squaredNorms` of
 * `src/gradients`, a representation of `src/invariance`.
 */
import type { Tensor, Variable } from '@tensorflow/tfjs';
import { lengthOf, tf } from '../backend/index';
import { FisherlabError } from '../errors';
import type { Layer } from '../gradients/index';
import { oracleGradients, type PlainLogLikelihood } from '../gradients/index';
import { checkImages, type ImageShape, type Model } from './model';
import { checkLogLikelihood, oneEach } from './ordinary-check';

export interface OrdinaryModel {
  /** A name for messages and tables. */
  readonly family: string;
  readonly imageShape: ImageShape;
  /**
   * The layers by name, in order. A variable that is not `trainable` is frozen: it makes no
   * feature.
   */
  readonly variables: Readonly<Record<string, Variable>>;
  /**
   * `images` [N, H, W, C] in pixel values 0…255 and `noise` [N, …] to log p in nats, [N], by `tf`
   * operations that have gradients.
   */
  readonly logLikelihood: PlainLogLikelihood;
  /**
   * The noise of a batch, [N, …]; image `indices[k]` always gets the same for the same seed. Left
   * out: none is needed, [N] zeros.
   */
  readonly noise?: (indices: readonly number[], seed: number) => Tensor;
  /**
   * Images drawn from the model, [n, H, W, C]. Left out: the model cannot be sampled, which only
   * samples and the Fisher information need.
   */
  readonly sample?: (n: number, seed: number) => Tensor;
}

/** Makes a model of a function over variables. The variables stay the caller's. */
export function ordinaryModel(description: OrdinaryModel): Model {
  const { family, imageShape, variables, logLikelihood } = description;
  const layers = layersOf(variables);
  if (layers.length === 0)
    throw new FisherlabError(
      `model '${family}' has no variables`,
      'name the variables its log-likelihood uses',
    );
  let isChecked = false;
  const check = (images: Tensor, noise: Tensor): void => {
    checkImages(model, images);
    if (isChecked || lengthOf(images) === 0) return;
    checkLogLikelihood(family, layers, logLikelihood, images, noise);
    isChecked = true;
  };
  const model: Model = {
    family,
    imageShape,
    layers,
    buffers: [],
    noise: description.noise ?? ((indices) => tf.zeros([indices.length])),
    logLikelihood: (images, noise) => {
      checkImages(model, images);
      return tf.tidy(() => {
        const value = oneEach(logLikelihood(images, noise), lengthOf(images));
        check(images, noise);
        return value;
      });
    },
    gradients: (images, noise, collector) => {
      check(images, noise);
      return oracleGradients(layers, logLikelihood, images, noise, collector);
    },
    imageGradient: (images, noise) => {
      check(images, noise);
      return tf.tidy(() => tf.grad((x: Tensor) => tf.sum(logLikelihood(x, noise)))(images));
    },
    sample:
      description.sample ??
      (() => {
        throw new FisherlabError(
          `model '${family}' cannot be sampled`,
          'give ordinaryModel a `sample`',
        );
      }),
  };
  return model;
}

/** A variable under several names is one layer, called `one = other`, so that it counts once. */
function layersOf(variables: OrdinaryModel['variables']): Layer[] {
  const names = new Map<Variable, string[]>();
  for (const [name, variable] of Object.entries(variables))
    names.set(variable, [...(names.get(variable) ?? []), name]);
  return [...names].map(([variable, own]) => ({
    name: own.join(' = '),
    layout: 'plain',
    torchShape: variable.shape,
    variable,
    frozen: !variable.trainable,
  }));
}
