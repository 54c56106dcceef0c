/**
 * # Passes over many images
 *
 * There are two ways to run a pass, which differ in speed and rounding only. For few images,
 * operations run one after the other, over as many images at once as a fixed budget of memory
 * allows (`batch-size.ts`). For many images it pays to record a pass and replay it as a graph
 * (`backend/graph.ts`), in which every core takes a few images at a time and keeps their numbers in
 * its cache: half the time for a small Glow, three fifths for the paper's.
 *
 * Rounding: a kernel may add in a different order when it is given a different number of images. So
 * the same images go through a kernel together on every machine, whatever its cores and memory. A
 * long row of images may also be cut into pieces, at multiples of `cutEvery`, provided that the way
 * was chosen for the whole row.
 *
 * How large it is: for 40 images of each of six shipped Glows, taken one or forty at a time, all
 * 13,840 squared norms agreed to 2.4e-6 of their value. It is larger where rounding moves a ReLU to
 * the other side of its kink: the gradient jumps there, and the norms of that image jump with it.
 * Both results are gradients at points within rounding of the image. Between TensorFlow and
 * WebAssembly, whose sums differ more, 20 of 27.5 million ReLUs of two Glows changed sides. The
 * norms of those 19 images differed by up to 5 %, of the other 61 by at most 8e-4. Float32 allows
 * no smaller bound.
 */
import os from 'node:os';
import type { Tensor } from '@tensorflow/tfjs';
import { Graph, pair, tf } from '../backend/index';
import { bytesPerImage, imagesAtOnce } from './batch-size';
import {
  type BatchFeatures,
  batchFeatures,
  type Differentiable,
  type Feature,
  FeaturePass,
  leastCommonMultiple,
} from './features';
import { graphPays, imagesOfAPart, MOST_IN_A_PART } from './graph-rule';

/**
 * Parts that a core takes in a call: several, so that none waits long for another that was slower.
 */
const PARTS_OF_A_CORE = 4;

/** Bytes that a pass of operations one after the other may take, on any machine. */
const BUDGET = 0.7e9;
/** Images between cuts, about: divisible by the common batch sizes and by small powers of two. */
const CUT = 240;

export interface FeaturePasses {
  /** Images to give at once; a multiple of every batch size. */
  readonly atOnce: number;
  /** A pass over at most `atOnce` images, [N, …], N a multiple of every batch size. */
  run(images: Tensor, noise: Tensor): BatchFeatures;
}

/** Images with their noise, [count, …] each. The caller frees both. */
export type Sample = (count: number) => { images: Tensor; noise: Tensor };

/**
 * A long row of images may be cut at multiples of this number: no bit of a feature depends on it.
 */
export function cutEvery(batchSizes: readonly number[]): number {
  const unit = leastCommonMultiple(batchSizes);
  return Math.ceil(CUT / unit) * unit;
}

/**
 * The way to go over `total` images.
 * @param sample any `count` of them, at most `total`, to measure and to record with
 */
export function featurePasses(
  model: Differentiable,
  features: readonly Feature[],
  batchSizes: readonly number[],
  total: number,
  sample: Sample,
): FeaturePasses {
  const few = sample(Math.min(2, total));
  try {
    const part =
      total < 2
        ? 0
        : partSize(
            bytesPerImage(model, few.images, few.noise),
            total,
            model.layers.length,
            batchSizes,
          );
    const replayed =
      part === 0 ? null : replay(new FeaturePass(model, features, batchSizes), part, sample);
    if (replayed !== null) return replayed;
    const most = imagesAtOnce(model, few.images, few.noise, BUDGET);
    return eagerly(model, features, batchSizes, betweenCuts(most, batchSizes));
  } finally {
    tf.dispose([few.images, few.noise]);
  }
}

/**
 * Passes over exactly `part` images at a time, whatever their total: which other images there are
 * changes no bit of a number.
 * @param part a multiple of every batch size
 * @param sample `part` images, to record with
 */
export function passesByParts(
  model: Differentiable,
  features: readonly Feature[],
  batchSizes: readonly number[],
  part: number,
  sample: Sample,
): FeaturePasses {
  const replayed = replay(new FeaturePass(model, features, batchSizes), part, sample);
  return replayed ?? eagerly(model, features, batchSizes, part);
}

/** Passes one operation after the other, over about `atOnce` images. */
export function eagerly(
  model: Differentiable,
  features: readonly Feature[],
  batchSizes: readonly number[],
  atOnce: number,
): FeaturePasses {
  const unit = leastCommonMultiple(batchSizes);
  return {
    atOnce: Math.max(unit, atOnce - (atOnce % unit)),
    run: (images, noise) => batchFeatures(model, images, noise, features, batchSizes),
  };
}

/** Images of a part of a graph; 0 where a graph is not worth it. `bytes` are those of an image. */
function partSize(
  bytes: number,
  total: number,
  layers: number,
  batchSizes: readonly number[],
): number {
  const part = betweenCuts(imagesOfAPart(bytes), batchSizes);
  return part > MOST_IN_A_PART || total < part || !graphPays({ images: total, bytes, layers })
    ? 0
    : part;
}

/** At most `most` images, but one batch of all sizes at least, so that no cut divides them. */
function betweenCuts(most: number, batchSizes: readonly number[]): number {
  const [unit, cut] = [leastCommonMultiple(batchSizes), cutEvery(batchSizes)];
  let images = Math.max(unit, most - (most % unit));
  while (cut % images !== 0) images -= unit;
  return images;
}

function replay(pass: FeaturePass, images: number, sample: Sample): FeaturePasses | null {
  const part = sample(images);
  try {
    const rows = (batch: readonly Tensor[]) => {
      const [images, noise] = pair(batch);
      return { rows: pass.tensors(images, noise), sums: [] };
    };
    const graph = Graph.of(rows, [part.images, part.noise], pass.variables);
    if (graph === null) return null;
    return {
      atOnce: PARTS_OF_A_CORE * os.availableParallelism() * images,
      run: (batch, noise) => pass.read(graph.run([batch, noise], pass.variables).rows),
    };
  } finally {
    tf.dispose([part.images, part.noise]);
  }
}
