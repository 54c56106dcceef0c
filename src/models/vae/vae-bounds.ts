/**
 * # Bounds on log p of an autoencoder
 *
 * With a stated variance v of p(x|z) and dequantised 8-bit pixels (`y = x + u`, u uniform in
 * [0, 1), scaled by 1/256: hence the last term) the bound itself is
 *
 *     ELBO = E_q[ log N(y/256 − ½; x̂, v) ] − KL( q ‖ N(0, 1) ) − D ln 256   ≤   log p(x),
 *
 * and with K latents for each image the importance-weighted bound (Burda et al. 2016, arXiv
 * 1509.00519), tighter the larger K,
 *
 *     log 1/K Σ_k p(y|z_k) p(z_k) / q(z_k|x) − D ln 256.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { deriveSeed, lengthOf, normals, tf, uniforms } from '../../backend/index';
import { FisherlabError } from '../../errors';
import { gaussianLatent, scale, squaredError, Tape, type Value } from '../../gradients/index';
import { checkImages, type ImageShape } from '../model';

export interface BoundOptions {
  /** Latents drawn for each image. */
  readonly samples?: number;
  /**
   * Variance of p(x|z) where pixels span 1 (not 256). Default ½, for which the paper's objective is
   * the bound's.
   */
  readonly variance?: number;
}

/** An encoder and a decoder, on a tape. */
export interface TapedCoder {
  readonly family: string;
  readonly imageShape: ImageShape;
  /** Size of the latent. */
  readonly latent: number;
  /** Mean and log-deviation of q(z|x), [N, latent] each, of images in the model's unit. */
  encode(tape: Tape, x: Value): { readonly mu: Value; readonly logs: Value };
  /** Images in the model's unit, [N, H, W, C], of latents [N, latent]. */
  decode(tape: Tape, z: Value): Value;
}

/** The evidence lower bound on log p, in nats, a mean over `samples`, [N]. */
export function elbo(
  model: TapedCoder,
  images: Tensor,
  seed: number,
  { samples = 1, variance = 0.5 }: BoundOptions,
): Tensor {
  return tf.tidy(() => {
    const weights = logWeights(model, images, seed, samples, variance); // [K, N]
    return tf.mean(tf.sub(weights.likelihood, weights.kl), 0); // [N]
  });
}

/** The importance-weighted bound on log p, in nats, [N]. */
export function importanceWeightedBound(
  model: TapedCoder,
  images: Tensor,
  seed: number,
  { samples = 64, variance = 0.5 }: BoundOptions,
): Tensor {
  return tf.tidy(() => {
    // [K, N] each
    const { likelihood, logRatio } = logWeights(model, images, seed, samples, variance);
    return tf.sub(tf.logSumExp(tf.add(likelihood, logRatio), 0), Math.log(samples)); // [N]
  });
}

/**
 * For each sample and image: log p(y|z) − D ln 256, log p(z)/q(z|x), and (for each image) the
 * divergence in closed form; [K, N].
 */
function logWeights(
  model: TapedCoder,
  images: Tensor,
  seed: number,
  samples: number,
  variance: number,
): { likelihood: Tensor; logRatio: Tensor; kl: Tensor } {
  checkImages(model, images);
  if (!(variance > 0)) throw new FisherlabError(`variance is ${variance}`, 'it must be above 0');
  if (!Number.isInteger(samples) || samples < 1)
    throw new FisherlabError(`samples is ${samples}`, 'give a whole number from 1 on');
  const n = lengthOf(images);
  const d = model.imageShape.reduce((product, length) => product * length, 1);
  const constant = -0.5 * d * Math.log(2 * Math.PI * variance) - d * Math.log(256);
  const tape = new Tape();
  const u = tf.tensor(uniforms(deriveSeed(seed, 0), images.size), images.shape);
  const x = toUnit(tape, tape.constant(tf.add(images, u)));
  const { mu, logs } = model.encode(tape, x);
  const rows = Array.from({ length: samples }, (_, k) =>
    tf.tidy(() => {
      const noise = tf.tensor2d(normals(deriveSeed(seed, 1, k), n * model.latent), [
        n,
        model.latent,
      ]);
      const { z, kl } = gaussianLatent(tape, mu, logs, noise);
      const error = squaredError(tape, x, model.decode(tape, z));
      const prior = tf.sum(tf.square(z.tensor), 1); // −2 log p(z), constants aside, [N]
      // −2 log q(z|x), likewise, [N]
      const posterior = tf.add(tf.sum(tf.square(noise), 1), tf.mul(tf.sum(logs.tensor, 1), 2));
      return {
        likelihood: tf.add(tf.mul(error.tensor, -0.5 / variance), constant),
        logRatio: tf.mul(tf.sub(posterior, prior), 0.5),
        kl: kl.tensor,
      };
    }),
  );
  // [K, N]
  const join = (key: 'likelihood' | 'logRatio' | 'kl') => tf.stack(rows.map((row) => row[key]));
  return { likelihood: join('likelihood'), logRatio: join('logRatio'), kl: join('kl') };
}

/** Pixel values to the model's unit, [−½, ½). */
export function toUnit(tape: Tape, images: Value): Value {
  return scale(tape, images, 1 / 256, -0.5);
}
