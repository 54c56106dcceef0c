/**
 * # Stage A: from a model and a data set to a table of features
 *
 * Batches are consecutive images in the order of the set, the last one dropped where it is not full
 * (as the paper does). Noise is drawn by image index from `seed`, so no image's numbers depend on
 * which others are scored with it. How many images go through the model at once is chosen from
 * memory; it changes nothing but speed.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../backend/index';
import { type Images, imagesFor } from '../data/index';
import type { Column, FeatureTable } from '../detectors/index';
import { FisherlabError } from '../errors';
import {
  type BatchFeatures,
  eagerly,
  type Feature,
  featurePasses,
  imagesAtOnce,
  leastCommonMultiple,
  squaredNorm,
} from '../gradients/index';
import type { Model } from '../models/index';

export interface ExtractOptions {
  /** Batch sizes B; one table each. */
  readonly batchSizes: readonly number[];
  readonly seed: number;
  readonly features?: readonly Feature[];
  /** Called with the number of images done so far. */
  readonly progress?: (images: number) => void;
  /** Ends the work before the next pass; no tensor is left. */
  readonly signal?: AbortSignal;
  /** Images that go through the model at once; chosen from memory and model where left out. */
  readonly chunk?: number;
}

/**
 * One table for each batch size: the log-likelihood of every batch, then every feature of every
 * layer.
 * @throws {FisherlabError} if a batch is larger than the set, or a feature is not finite
 * @throws the reason of `signal`, once it is aborted
 */
export async function extractTables(
  model: Model,
  data: Images,
  options: ExtractOptions,
): Promise<FeatureTable[]> {
  const { batchSizes, seed, features = [squaredNorm], progress, signal } = options;
  const wrong = batchSizes.find((B) => !(Number.isInteger(B) && B >= 1));
  if (wrong !== undefined)
    throw new FisherlabError(`a batch cannot have ${wrong} images`, 'give whole numbers from 1 on');
  const largest = Math.max(...batchSizes);
  if (largest > data.count) {
    throw new FisherlabError(
      `a batch of ${largest} is larger than the ${data.count} images of '${data.name}'`,
      'choose a smaller batch size',
    );
  }
  const sample = (start: number, count: number) => {
    const indices = Array.from({ length: count }, (_, k) => start + k);
    return { images: imagesFor(model, data, indices, seed), noise: model.noise(indices, seed) };
  };
  signal?.throwIfAborted();
  const parts: BatchFeatures[][] = batchSizes.map(() => []);
  /** Passes over whole batches of all `sizes` from image `start` on; where they end. */
  const passOver = async (start: number, sizes: readonly number[]): Promise<number> => {
    const end = data.count - ((data.count - start) % leastCommonMultiple(sizes));
    if (end === start) return end;
    const { atOnce, run } =
      options.chunk === undefined
        ? featurePasses(model, features, sizes, end - start, (count) => sample(start, count))
        : eagerly(model, features, sizes, options.chunk);
    for (let at = start; at < end; at += atOnce) {
      const count = Math.min(atOnce, end - at);
      const { images, noise } = sample(at, count);
      try {
        const found = run(images, noise);
        sizes.forEach((B, s) => {
          parts[batchSizes.indexOf(B)]?.push({
            ...found,
            byBatchSize: [found.byBatchSize[s] ?? []],
          });
        });
      } finally {
        tf.dispose([images, noise]);
      }
      progress?.(at + count);
      await new Promise(setImmediate); // timers, signals and displays have their turn
      signal?.throwIfAborted();
    }
    return end;
  };
  // One pass serves all sizes, unless their common multiple is more than goes through the model at
  // once.
  const common = leastCommonMultiple(batchSizes);
  const done =
    common <= Math.max(options.chunk ?? chunkFor(model, sample), largest)
      ? await passOver(0, batchSizes)
      : 0;
  for (const B of batchSizes) await passOver(done, [B]); // what is left over
  return batchSizes.map((B, b) => joinParts(parts[b] ?? [], B));
}

function chunkFor(
  model: Model,
  sample: (start: number, count: number) => { images: Tensor; noise: Tensor },
): number {
  const { images, noise } = sample(0, 2);
  try {
    return imagesAtOnce(model, images, noise);
  } finally {
    tf.dispose([images, noise]);
  }
}

function joinParts(parts: readonly BatchFeatures[], B: number): FeatureTable {
  const rows = parts.reduce((sum, part) => sum + part.logLikelihood.length / B, 0);
  const logLikelihood = new Float64Array(rows);
  let row = 0;
  for (const { logLikelihood: single } of parts) {
    for (let start = 0; start < single.length; start += B)
      logLikelihood[row++] = single.subarray(start, start + B).reduce((a, b) => a + b, 0);
  }
  const columns: Column[] = [{ feature: 'log-likelihood', values: logLikelihood }];
  const first = parts[0]?.byBatchSize[0] ?? [];
  first.forEach(({ feature, layer, k }, f) => {
    for (let component = 0; component < k; component++) {
      const values = new Float64Array(rows);
      let at = 0;
      for (const part of parts) {
        const numbers = part.byBatchSize[0]?.[f]?.values ?? new Float32Array(0);
        for (let n = component; n < numbers.length; n += k) values[at++] = numbers[n] as number;
      }
      columns.push({
        feature: k === 1 ? feature : `${feature}[${component}]`,
        layer: layer.name,
        size: layer.variable.size,
        values,
      });
    }
  });
  return { rows, batchSize: B, columns };
}
