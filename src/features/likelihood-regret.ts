/**
 * # Likelihood regret
 *
 * Xiao, Yan, Amit, *Likelihood regret* (NeurIPS 2020, arXiv 2003.02977): the encoder of a VAE finds
 * a good posterior for familiar images. For a strange image, another posterior explains it much
 * better than the encoder's. How much better is the regret,
 *
 *     R(x) = max_{μ, s} L(x; μ, s) − L(x; μ(x), s(x)),
 *
 *     L(x; μ, s) = E_{ε}[ −‖x − x̂(μ + e^s ε)‖² ] − KL( N(μ, e^{2s}) ‖ N(0, 1) ).
 *
 * Here the posterior's mean μ and log-deviation s are fitted to each image directly (the authors'
 * LR_Z), instead of a copy of the encoder per image. Adam starts at the encoder's output and
 * optimises all images of a chunk together, with new ε at every step. Both bounds are then averaged
 * over the same `DRAWS` fresh ε, which no step has used, so that fitting particular draws gains
 * nothing. L is the model's own objective (the bound with variance ½, without its constants). The
 * column `likelihood-regret` is in nats; higher = stranger. It can be slightly negative where the
 * encoder was already right.
 */
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { deriveSeed, noiseByIndex, tf } from '../backend/index';
import { pixels } from '../data/index';
import { can, type LoadedModel, type WithPosterior } from '../models/index';
import type { ImageStatistic } from './statistic';

const STEPS = 50;
const LEARNING_RATE = 0.05;
/** The number of ε over which both bounds are averaged. */
const DRAWS = 8;

/** For models with a posterior over latents. */
export function likelihoodRegret(
  { model, checksum }: Pick<LoadedModel, 'model' | 'checksum'>,
  seed: number,
): ImageStatistic | null {
  if (!can(model, 'encode')) return null;
  return {
    name: 'likelihood-regret',
    version: 1,
    columns: [{ feature: 'likelihood-regret' }],
    key: {
      model: checksum,
      seed,
      steps: STEPS,
      learningRate: LEARNING_RATE,
      draws: DRAWS,
      backend: tf.getBackend(),
    },
    async of(data, positions, indices = positions) {
      const images = pixels(data, positions);
      const regret = regrets(model, images, indices, seed);
      try {
        return [await regret.data()];
      } finally {
        tf.dispose([images, regret]);
      }
    },
  };
}

/** R of images [N, H, W, C] in nats, [N]; the noise of image k is drawn by `indices[k]`. */
export function regrets(
  model: WithPosterior,
  images: Tensor,
  indices: readonly number[],
  seed: number,
): Tensor {
  const { mu, logs } = model.encode(images); // [N, latent]
  const [fittedMu, fittedLogs] = [tf.variable(mu), tf.variable(logs)];
  const adam = tf.train.adam(LEARNING_RATE);
  const latent = mu.shape[1] as number;
  const noise = (stream: number) =>
    tf.tensor2d(noiseByIndex('normal', deriveSeed(seed, stream), indices, latent), [
      indices.length,
      latent,
    ]);
  try {
    for (let step = 0; step < STEPS; step++) {
      tf.tidy(() => {
        const eps = noise(step);
        const loss = () =>
          tf.neg(tf.sum(objective(model, images, fittedMu, fittedLogs, eps))) as Scalar;
        adam.minimize(loss, false, [fittedMu, fittedLogs]);
      });
    }
    return tf.tidy(() => {
      const gains = Array.from({ length: DRAWS }, (_, k) => {
        const eps = noise(STEPS + k);
        return tf.sub(
          objective(model, images, fittedMu, fittedLogs, eps),
          objective(model, images, mu, logs, eps),
        ); // [N]
      });
      return tf.mean(tf.stack(gains), 0); // [N]
    });
  } finally {
    adam.dispose();
    tf.dispose([mu, logs, fittedMu, fittedLogs]);
  }
}

/** L for one ε, [N]. */
function objective(
  model: WithPosterior,
  images: Tensor,
  mu: Tensor,
  logs: Tensor,
  eps: Tensor,
): Tensor {
  const decoded = model.decode(tf.add(mu, tf.mul(tf.exp(logs), eps))); // [N, H, W, C], pixel values
  const error = tf.sum(tf.square(tf.div(tf.sub(images, decoded), 256)), [1, 2, 3]); // [N]
  const kl = tf.sum(
    tf.sub(tf.mul(0.5, tf.sub(tf.add(tf.square(mu), tf.exp(tf.mul(2, logs))), 1)), logs),
    1,
  ); // [N]
  return tf.neg(tf.add(error, kl));
}
