/**
 * # How well a model does on held-out images
 *
 * Measured by the family's own loss, on all of them: training lowers the same quantity, so it
 * decides which weights to keep. Also measured in bits per dimension, which compare across
 * families: for a Glow they are its loss; for the others they are a bound that costs more passes
 * and is computed on the first few images. The
 * noise depends on the seed alone, so that two points of a curve differ by the weights and nothing
 * else.
 */

import { deriveSeed, numberOf, tf } from '../backend/index';
import type { Images } from '../data/index';
import { pixels } from '../data/index';
import type { CurvePoint } from '../models/index';
import { BITS_PER_DIM, type TapedModel } from '../models/index';

/** Images that a bound is computed on. */
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

/** What a point of the curve says of the images held out. */
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
