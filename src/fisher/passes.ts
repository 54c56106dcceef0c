/**
 * # Passes over draws
 *
 * Some estimates are sums over samples and need one pass; others (a Gram matrix over all samples)
 * need the gradients of one layer for *all* samples at once, [N, |θ_j|]. Those are kept for as many
 * layers at a time as fit in memory, and the samples pass through the model once for each such
 * group of layers: time is paid for memory, never the other way round.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { FisherlabError, tf } from '../backend/index';
import type { Layer, Visitor } from '../gradients/index';
import type { Model } from '../models/index';
import type { Draws } from './draws';

/** Called with how many images of how many have passed through the model. */
export type PassProgress = (done: number, total: number) => void;

/**
 * Passes all draws through the model once. `visitor` sees every layer of every block; `afterBlock`
 * is given log p [n] of the block.
 */
export function passOver(
  model: Model,
  draws: Draws,
  visitor: Visitor,
  afterBlock?: (logLikelihood: Tensor, done: number) => void,
): void {
  let done = 0;
  for (const { images, noise } of draws.blocks()) {
    try {
      done += images.shape[0] as number;
      const logLikelihood = model.gradients(images, noise, visitor);
      afterBlock?.(logLikelihood, done);
      logLikelihood.dispose();
    } finally {
      tf.dispose([images, noise]);
    }
  }
}

/** What keeping gradients may cost. */
export interface GradientOptions {
  /**
   * Bytes of gradients kept at once. Default 1.5 GB, which with what else is needed stays below 4.
   */
  readonly memory?: number;
  readonly progress?: PassProgress;
}

/**
 * Calls `visit` once for every layer with its gradients for all draws, [N, |θ_j|], in the model's
 * order. They are freed afterwards unless kept (`tf.keep`).
 * @throws FisherlabError where a single layer does not fit in memory
 */
export function forEachLayer(
  model: Model,
  draws: Draws,
  visit: (layer: Layer, gradients: Tensor) => void,
  { memory = 1.5e9, progress }: GradientOptions = {},
): void {
  const groups = groupsOf(model, draws.count, memory);
  groups.forEach((group, at) => {
    const kept = new Map<Layer, Tensor[]>(group.map((layer) => [layer, []]));
    try {
      passOver(
        model,
        draws,
        (layer, gradient) => kept.get(layer)?.push(tf.keep(gradient.instantiate(1).clone())), // [n, |θ|]
        (_, done) => progress?.(at * draws.count + done, groups.length * draws.count),
      );
      for (const [layer, blocks] of kept) {
        if (blocks.length === 0) continue; // a frozen layer
        tf.tidy(() => {
          const all = tf.concat(blocks as [Tensor, ...Tensor[]], 0); // [N, |θ|]
          tf.dispose(blocks);
          blocks.length = 0;
          visit(layer, all);
        });
      }
    } finally {
      tf.dispose([...kept.values()].flat());
    }
  });
}

/** Neighbouring layers whose gradients for `count` images fit into `memory` together. */
function groupsOf(model: Model, count: number, memory: number): Layer[][] {
  const groups: Layer[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const layer of model.layers) {
    const bytes = 4 * count * layer.variable.size;
    if (bytes > memory) {
      throw new FisherlabError(
        `gradients of '${layer.name}' for ${count} images take ${Math.ceil(bytes / 1e6)} MB, more than the ${Math.floor(memory / 1e6)} allowed`,
        'take fewer images, or allow more memory',
      );
    }
    if (used + bytes > memory) {
      groups.push([]);
      used = 0;
    }
    groups[groups.length - 1]?.push(layer);
    used += bytes;
  }
  return groups;
}
