/**
 * # How many images go through at once
 *
 * More images at once spread the fixed cost of an operation over more work; beyond some tens they
 * gain nothing and only take memory. The number is chosen here. A pass over N images takes
 *
 *     bytes(N) = a + b·N,
 *
 * bytes. `b` is measured by tracing a pass with one image and one with two: it counts what the
 * saved tensors, one layer's factors and its gradient take at the worst moment, times a factor for
 * TensorFlow's own scratch memory. N is the largest number that the budget allows, at most 128. The
 * model's weights and the process itself come on top of the budget.
 */
import os from 'node:os';
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, shape3, tf } from '../backend/index';
import { Collector } from './collector';
import type { Factors } from './factors';
import type { Differentiable } from './features';

/** More images than this at once were never faster. */
const MOST = 128;
/** Bytes for the tensors of a pass where memory abounds. */
const BUDGET = 2.2e9;
/** Of the memory that is free, the share that a pass may take. */
const SHARE_OF_FREE = 1 / 3;
/**
 * Scratch memory of the kernels, which tensors do not show: process peak against traced peak was
 * 1.1 to 1.4.
 */
const SCRATCH = 1.4;

const measured = new WeakMap<Differentiable, Map<string, number>>();

/**
 * The number of images to take at once, at least 1. `images` and `noise` serve as a sample of one
 * and two images.
 * @param budget bytes; as the memory that is free allows, where left out
 */
export function imagesAtOnce(
  model: Differentiable,
  images: Tensor,
  noise: Tensor,
  budget = freeBudget(),
): number {
  if (lengthOf(images) < 2) return 1;
  return Math.max(
    1,
    Math.min(MOST, Math.floor(budget / (SCRATCH * bytesPerImage(model, images, noise)))),
  );
}

function freeBudget(): number {
  return Math.min(BUDGET, SHARE_OF_FREE * (process.availableMemory?.() ?? os.freemem()));
}

/**
 * Bytes that each further image adds to the peak of a pass over `model`; traced once for each shape
 * of image.
 */
export function bytesPerImage(model: Differentiable, images: Tensor, noise: Tensor): number {
  const shape = [...images.shape.slice(1), '', ...noise.shape.slice(1)].join();
  const known = measured.get(model) ?? new Map<string, number>();
  measured.set(model, known);
  const before = known.get(shape);
  if (before !== undefined) return before;
  const bytes = Math.max(
    1,
    tracedPeak(model, images, noise, 2) - tracedPeak(model, images, noise, 1),
  );
  known.set(shape, bytes);
  return bytes;
}

function tracedPeak(model: Differentiable, images: Tensor, noise: Tensor, n: number): number {
  const start = tf.memory().numBytes;
  let peak = 0;
  tf.tidy(() => {
    const sample = (x: Tensor) => tf.slice(x, 0, n);
    const measure = new Collector((gradient) => {
      const temporary = 4 * temporaryNumbers(gradient);
      peak = Math.max(peak, tf.memory().numBytes - start + temporary);
      return null;
    });
    model.gradients(sample(images), sample(noise), measure);
  });
  return peak;
}

/**
 * What the norm of a layer takes besides its factors: the gradient, or the two Gram matrices and
 * their product. Builds the factors.
 */
function temporaryNumbers(gradient: Factors): number {
  const { x, dy } = gradient.grouped(1);
  const [n, t, i] = shape3(x, gradient.operation);
  const o = lengthOf(dy, 2);
  return n * (t === 1 ? 0 : Math.min(3 * t * t, i * o));
}
