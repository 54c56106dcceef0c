/**
 * # Passes over blocks of images
 *
 * Mean gradients and the Fisher information are learned from more images than fit through a model
 * at once. They are collected block by block, and of each pass only what the collector keeps
 * survives. Where it pays, the first block is recorded and the others are replayed
 * (`replayed-pass.ts`), which changes only the speed and the last bit of the numbers. Between two
 * blocks, signals, timers and displays get their turn, and an interrupted pass ends.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, tf } from '../backend/index';
import type { Collector } from './collector';
import type { Differentiable } from './features';
import { ReplayedPass } from './replayed-pass';

/** Images in blocks, each with its noise: `Draws` of `src/fisher` are such. */
export interface Blocks {
  /** Images in all. */
  readonly count: number;
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
  let replayed: ReplayedPass | null | undefined;
  signal?.throwIfAborted();
  for (const block of images.blocks()) {
    try {
      if (replayed === undefined) replayed = ReplayedPass.of(model, collector, block, images.count);
      const n = lengthOf(block.images);
      if (replayed?.takes(n)) replayed.run(block.images, block.noise);
      else model.gradients(block.images, block.noise, collector).dispose();
      done += n;
      afterBlock(done);
    } finally {
      tf.dispose([block.images, block.noise]);
    }
    await new Promise(setImmediate);
    signal?.throwIfAborted();
  }
}
