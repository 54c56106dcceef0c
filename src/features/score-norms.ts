/**
 * # The score at several noise levels
 *
 * Multiscale score matching analysis (Mahmood, Oliva, Styner, *Multiscale score matching for
 * out-of-distribution detection*, ICLR 2021, arXiv 2010.13132) describes an image by how large the
 * score is at it, seen at L noise levels, η_i(x) = σ_i ‖s(x, σ_i)‖, and learns how such vectors
 * look in distribution (here: distance to the fifth nearest neighbour, one of the authors' three
 * ways). A diffusion model gives the score at its noise level t by the noise it sees, √(1−ᾱ_t) s =
 * −ε̂, so
 *
 *     η_t(x) = mean |ε̂(√ᾱ_t x, t)|,      t = 2^k − 1.
 *
 * As in the authors' code no noise is added to the image. Two things differ from theirs: the model
 * is a diffusion model, which was trained on noisy images only, and the norm is the mean absolute
 * one, the model's own loss. It *is* that loss with ε = 0: minus the log-likelihood surrogate of
 * `models/diffusion.ts`. Columns `score-norm`, one a timestep; a batch has the sum over its images.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { type Computation, Graph, tf } from '../backend/index';
import { pixels } from '../data/index';
import { can, type LoadedModel } from '../models/index';
import type { ImageStatistic } from './statistic';

/** Timestep indices 0, 1, 3, 7, … as far as the model has them, ten at most. */
export function timestepsOf(steps: number): number[] {
  return Array.from({ length: 10 }, (_, k) => 2 ** k - 1).filter((t) => t < steps);
}

/**
 * Images of a part of the graph, and the number of images from which a graph of all timesteps
 * (`backend/graph.ts`, some seconds to make) pays.
 */
const PART = 25;
const WORTH_A_GRAPH = 200;

/** Of models that look at an image at several noise levels. */
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
