/**
 * # Passes over blocks of images
 *
 * What is learned from more images than go through a model at once, mean gradients or the Fisher
 * information, is collected block by block: of each pass only what the collector keeps survives.
 * Between two blocks signals, timers and displays have their turn, and what is no longer wanted
 * ends there.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, tf } from '../backend/index';
import type { Collector } from './collector';
import type { Differentiable } from './features';

/** Images in blocks, each with its noise: `Draws` of `src/fisher` are such. */
export interface Blocks {
  /** The same blocks at every call. The caller frees both tensors. */
  blocks(): Iterable<{ images: Tensor; noise: Tensor }>;
}

/**
 * Passes all blocks through the model once. `collector` sees every layer of every block, and
 * `afterBlock` what it has collected, with how many images are done.
 * @throws the reason of `signal`, once it is aborted; no tensor is left
 */
export async function passOver(
  model: Differentiable,
  images: Blocks,
  collector: Collector,
  afterBlock: (done: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  let done = 0;
  signal?.throwIfAborted();
  for (const block of images.blocks()) {
    try {
      model.gradients(block.images, block.noise, collector).dispose();
      done += lengthOf(block.images);
      afterBlock(done);
    } finally {
      tf.dispose([block.images, block.noise]);
    }
    await new Promise(setImmediate);
    signal?.throwIfAborted();
  }
}
