/**
 * # How well a model does on held-out images
 *
 * The family's own loss is computed on all held-out images. It is the quantity that training
 * lowers, so it decides which weights to keep. Bits per dimension are computed too, because they
 * can be compared across families. For a Glow they are the loss itself; for other families they are
 * a bound that takes more passes, so it is computed on the first few images only. The noise depends
 * only on the seed, so two points of a curve differ only by the weights.
 */

import { deriveSeed, numberOf, tf } from '../backend/index';
import type { Images } from '../data/index';
import { pixels } from '../data/index';
import type { CurvePoint } from '../models/index';
import { BITS_PER_DIM, type TapedModel } from '../models/index';

/** How many images a bound is computed on. */
const BOUNDED = 32;

/** Mean loss over `indices`, in the model's unit. */
export function evaluate(
  model: TapedModel,
  data: Images,
  indices: readonly number[],
  seed: number,
  batch = 100,
): number {
  let total = 0;
  for (let k = 0; k < indices.length; k += batch) {
    const part = indices.slice(k, k + batch);
    total += tf.tidy(() => numberOf(tf.sum(model.heldOut(pixels(data, part), part, seed))));
  }
  return -(total / indices.length) * model.loss.scale;
}

/** The held-out part of a point of the curve. */
export function judgeHeldOut(
  model: TapedModel,
  data: Images,
  indices: readonly number[],
  seed: number,
): Required<Pick<CurvePoint, 'validation' | 'bitsPerDim'>> {
  const validation = evaluate(model, data, indices, seed);
  if (model.loss.unit === BITS_PER_DIM) return { validation, bitsPerDim: validation };
  const first = indices.slice(0, BOUNDED);
  const bits = tf.tidy(() =>
    numberOf(tf.mean(model.bitsPerDim(pixels(data, first), deriveSeed(seed, 5)))),
  );
  return { validation, bitsPerDim: bits };
}
