/**
 * # What a VAE's posterior says of an image
 *
 * The statistics that density of states estimation looks at in a VAE (Morningstar et al. 2021,
 * arXiv 2006.09273; `detectors/dose.ts`), with q = N(μ, e^{2s}) the encoder's answer and r = N(0,
 * 1) the prior:
 *
 *     posterior-cross-entropy   −E_q log r = ½ Σ (μ² + e^{2s} + ln 2π)
 *     posterior-entropy         −E_q log q = Σ (s + ½ ln 2πe)
 *     divergence                KL(q ‖ r), their difference
 *     distortion                ‖x − x̂‖², with the noise of the log-likelihood
 *
 * All in nats. Minus the sum of the last two is the model's objective. The authors' fifth is an
 * importance-weighted bound on log p(x); here it is the objective itself, the log-likelihood that
 * the table has already.
 */
import { tf } from '../backend/index';
import { pixels } from '../data/index';
import { can, type LoadedModel } from '../models/index';
import type { ImageStatistic } from './statistic';

/** The columns, in the order of `of`. */
export const POSTERIOR_PARTS = [
  'posterior-cross-entropy',
  'posterior-entropy',
  'divergence',
  'distortion',
] as const;

/** Of models with a posterior of latents. */
export function posteriorParts(
  { model, checksum }: Pick<LoadedModel, 'model' | 'checksum'>,
  seed: number,
): ImageStatistic | null {
  if (!can(model, 'encode')) return null;
  return {
    name: 'posterior',
    version: 1,
    columns: POSTERIOR_PARTS.map((feature) => ({ feature })),
    key: { model: checksum, seed, backend: tf.getBackend() },
    async of(data, positions, indices = positions) {
      const parts = tf.tidy(() => {
        const [images, noise] = [pixels(data, positions), model.noise(indices, seed)];
        const { mu, logs } = model.encode(images); // [N, latent] each
        const square = tf.add(tf.square(mu), tf.exp(tf.mul(2, logs)));
        const crossEntropy = tf.mul(0.5, tf.sum(tf.add(square, Math.log(2 * Math.PI)), 1)); // [N]
        const entropy = tf.sum(tf.add(logs, 0.5 * Math.log(2 * Math.PI * Math.E)), 1); // [N]
        const divergence = tf.sub(crossEntropy, entropy);
        const distortion = tf.neg(tf.add(model.logLikelihood(images, noise), divergence));
        return [crossEntropy, entropy, divergence, distortion];
      });
      try {
        return await Promise.all(parts.map((part) => part.data()));
      } finally {
        tf.dispose(parts);
      }
    },
  };
}
