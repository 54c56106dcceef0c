/**
 * # Checks of a function that is to be a model
 *
 * Features are made of one image's gradients. So the log-likelihood of an image must be a finite
 * number, must not depend on the other images of the batch, and must have a gradient with respect
 * to every variable that is not frozen. (Statistics of the batch would make it depend on the
 * others, and all norms zero.) The first image is enough to find out: alone, and beside its
 * negative.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, tf } from '../backend/index';
import { FisherlabError } from '../errors';
import { gradientsOfOne, type Layer, type PlainLogLikelihood } from '../gradients/index';

/** More than the order of float32 sums changes a log-likelihood, less than a mistake does. */
const SAME = 1e-3;

/**
 * @param images [N, H, W, C], the first of which is looked at, with its `noise` [N, …]
 * @throws {FisherlabError} if its log-likelihood is not finite, not one number, depends on other
 *   images, or does not depend on every layer that is not frozen
 */
export function checkLogLikelihood(
  family: string,
  layers: readonly Layer[],
  logLikelihood: PlainLogLikelihood,
  images: Tensor,
  noise: Tensor,
): void {
  tf.tidy(() => {
    const [image, own] = [tf.slice(images, 0, 1), tf.slice(noise, 0, 1)];
    const both = [tf.concat([image, tf.sub(255, image)]), tf.concat([own, own])] as const;
    const alone = at(oneEach(logLikelihood(image, own), 1).dataSync(), 0);
    const beside = at(oneEach(logLikelihood(...both), 2).dataSync(), 0);
    if (!Number.isFinite(alone))
      throw new FisherlabError(
        `model '${family}' gives an image the log-likelihood ${alone}`,
        'look for a logarithm, a root or a division that is not defined there',
      );
    if (!(Math.abs(alone - beside) <= SAME * Math.max(1, Math.abs(alone))))
      throw new FisherlabError(
        `by model '${family}' an image's log-likelihood depends on its company: ${alone} alone, ${beside} beside another image`,
        'use stored means and variances, no statistics of the batch',
      );
    const learned = layers.filter(({ frozen }) => !frozen);
    if (learned.length === 0) return;
    const { grads } = gradientsOfOne(
      () => tf.sum(logLikelihood(image, own)),
      learned.map(({ variable }) => variable),
    );
    const deaf = learned.filter(({ variable }) => !grads[variable.name]).map(({ name }) => name);
    if (deaf.length > 0)
      throw new FisherlabError(
        `the log-likelihood of model '${family}' does not depend on ${deaf.join(', ')}`,
        'leave these variables out, or compute it from them with tf operations',
      );
  });
}

/**
 * `value` itself.
 * @throws {FisherlabError} if it is not one number for each of `n` images
 */
export function oneEach(value: Tensor, n: number): Tensor {
  if (value.shape.length === 1 && value.shape[0] === n) return value;
  throw new FisherlabError(
    `the log-likelihood of ${n} images has shape [${value.shape.join(', ')}]`,
    `return one number an image, [${n}]`,
  );
}
