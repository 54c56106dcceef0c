/**
 * # The score at several noise levels
 *
 * Multiscale score matching analysis (Mahmood, Oliva, Styner, *Multiscale score matching for
 * out-of-distribution detection*, ICLR 2021, arXiv 2010.13132) describes an image by the size of
 * the score s = ∇_x log p at L noise levels σ_i, η_i(x) = σ_i ‖s(x, σ_i)‖, and learns how such
 * vectors look in distribution (here by the distance to the fifth nearest neighbour, one of the
 * authors' three ways). A diffusion model gives the score at noise level t through the noise ε̂ it
 * predicts, √(1−ᾱ_t) s = −ε̂, so
 *
 *     η_t(x) = mean |ε̂(√ᾱ_t x, t)|,      t = 2^k − 1.
 *
 * As in the authors' code, no noise is added to the image. Two things differ: the model is a
 * diffusion model, trained on noisy images only, and the norm is the mean absolute value, as in the
 * model's own loss. η_t is exactly that loss with ε = 0, minus the log-likelihood surrogate of
 * `models/diffusion.ts`. There is one column `score-norm` per timestep; a batch has the sum over
 * its images.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { type Computation, Graph, tf } from '../backend/index';
import { pixels } from '../data/index';
import { can, type LoadedModel } from '../models/index';
import type { ImageStatistic } from './statistic';

/** Timestep indices 0, 1, 3, 7, … up to the model's last, ten at most. */
export function timestepsOf(steps: number): number[] {
  return Array.from({ length: 10 }, (_, k) => 2 ** k - 1).filter((t) => t < steps);
}

/**
 * The number of images in each part of the graph, and the number of images from which a graph of
 * all timesteps pays (`backend/graph.ts`; it takes some seconds to make).
 */
const PART = 25;
const WORTH_A_GRAPH = 200;

/** For models that look at an image at several noise levels. */
export function scoreNorms({
  model,
  checksum,
}: Pick<LoadedModel, 'model' | 'checksum'>): ImageStatistic | null {
  if (!can(model, 'atTimestep')) return null;
  const timesteps = timestepsOf(model.timesteps);
  const weights = model.layers.map(({ variable }) => variable);
  const compute: Computation = ([images]) => ({
    rows: timesteps.map((t) =>
      tf.neg(model.atTimestep(t).logLikelihood(images as Tensor, tf.zerosLike(images as Tensor))),
    ), // [N] each
    sums: [],
  });
  let graph: Graph | null | undefined;
  return {
    name: 'score-norm',
    version: 1,
    columns: timesteps.map((t) => ({ feature: 'score-norm', layer: `t=${t}` })),
    key: { model: checksum, timesteps, backend: tf.getBackend() },
    of: async (data, indices) =>
      tf.tidy(() => {
        if (graph === undefined && data.count >= WORTH_A_GRAPH)
          graph = Graph.of(compute, [pixels(data, indices.slice(0, PART))], weights);
        if (!graph)
          return compute([pixels(data, indices)]).rows.map(
            (values) => values.dataSync() as Float32Array,
          );
        return graph.run([pixels(data, indices)], weights).rows;
      }),
  };
}
