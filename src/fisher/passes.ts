/**
 * # Passes over draws
 *
 * Some estimates are sums over samples and need one pass (`gradients/blocks.ts`); others (a Gram
 * matrix over all samples) need the gradients of one layer for *all* samples at once, [N, |θ_j|].
 * Those are kept for as many layers at a time as fit in memory, and the samples pass through the
 * model once for each such group of layers: more time, but no more memory than there is.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../backend/index';
import { FisherlabError } from '../errors';
import { gradientsOfGroups, type Layer, passOver } from '../gradients/index';
import type { Model } from '../models/index';
import type { Draws } from './draws';

export interface PassOptions {
  /** Called with how many images of how many have passed through the model. */
  readonly progress?: (done: number, total: number) => void;
  /** Ends the pass before the next block of images; no tensor is left. */
  readonly signal?: AbortSignal;
}

/** What keeping gradients may cost. */
export interface GradientOptions extends PassOptions {
  /**
   * Bytes of gradients kept at once. Default 1.5 GB, which with what else is needed stays below 4.
   */
  readonly memory?: number;
}

/**
 * Calls `visit` once for every layer with its gradients for all draws, [N, |θ_j|], in the model's
 * order. They are freed afterwards unless kept (`tf.keep`).
 * @throws {FisherlabError} if a single layer does not fit in memory
 * @throws the reason of `signal`, once it is aborted
 */
export async function forEachLayer(
  model: Model,
  draws: Draws,
  visit: (layer: Layer, gradients: Tensor) => void,
  { memory = 1.5e9, progress, signal }: GradientOptions = {},
): Promise<void> {
  const groups = groupsOf(model, draws.count, memory);
  for (const [g, group] of groups.entries()) {
    const kept = new Map<Layer, Tensor[]>(group.map((layer) => [layer, []]));
    const block = gradientsOfGroups(1, new Set(group));
    const afterBlock = (done: number) => {
      for (const [layer, { gradients }] of block.take()) {
        kept.get(layer)?.push(gradients); // [n, |θ|]
      }
      progress?.(g * draws.count + done, groups.length * draws.count);
    };
    try {
      await passOver(model, draws, block, afterBlock, signal);
      for (const [layer, blocks] of kept) {
        if (blocks.length === 0) continue; // a frozen layer
        tf.tidy(() => {
          const all = tf.concat(blocks); // [N, |θ|]
          tf.dispose(blocks);
          blocks.length = 0;
          visit(layer, all);
        });
      }
    } finally {
      block.dispose();
      tf.dispose([...kept.values()].flat());
    }
  }
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
