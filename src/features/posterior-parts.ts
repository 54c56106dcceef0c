/**
 * # Statistics of a VAE's posterior
 *
 * The statistics that density of states estimation looks at in a VAE (Morningstar et al. 2021,
 * arXiv 2006.09273; `detectors/dose.ts`), where q = N(μ, e^{2s}) is the encoder's posterior and r =
 * N(0, 1) the prior:
 *
 *     posterior-cross-entropy   −E_q log r = ½ Σ (μ² + e^{2s} + ln 2π)
 *     posterior-entropy         −E_q log q = Σ (s + ½ ln 2πe)
 *     divergence                KL(q ‖ r), their difference
 *     distortion                ‖x − x̂‖², with the noise of the log-likelihood
 *
 * All are in nats. Minus the sum of the last two is the model's objective. The authors use a fifth
 * statistic, an importance-weighted bound on log p(x); here the objective itself takes its place,
 * which every table has as its log-likelihood.
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

/** For models with a posterior over latents. */
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
