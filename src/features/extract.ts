/**
 * # Stage A: from a model and a data set to a table of features
 *
 * (alg:features) Batches are consecutive images in the order of the set. The last batch is dropped
 * if it is not full, as in the paper. Noise is drawn from `seed` and the index of the image, so the
 * numbers of an image do not depend on the images scored with it. With several draws
 * (`noise-indices.ts`) an image has one row for each draw.
 *
 * A set may be cut into parts that are computed one by one, or on several machines. If it is cut at
 * multiples of `cutEvery`, the rows of the parts are the rows of the whole, bit for bit, because
 * the same images go through every kernel together (`gradients/feature-passes.ts`).
 */
import { assertSeed, tf } from '../backend/index';
import { type Images, imagesFor } from '../data/index';
import type { Column, FeatureTable } from '../detectors/index';
import { assertWhole, FisherlabError } from '../errors';
import {
  cutEvery,
  eagerly,
  type Feature,
  type FeaturePasses,
  featurePasses,
  type LayerFeature,
  leastCommonMultiple,
  passesByParts,
  type Sample,
  squaredNorm,
} from '../gradients/index';
import type { Model } from '../models/index';
import { BY_POSITION, type NoiseIndices } from './noise-indices';

export interface ExtractorOptions {
  /** Batch sizes B; one table each. */
  readonly batchSizes: readonly number[];
  readonly seed: number;
  readonly features?: readonly Feature[];
  /** Which noise an image gets; by default that of its position in the set. */
  readonly noiseIndices?: NoiseIndices;
  /**
   * How many images go through the model at once; by default the model chooses. It has no effect
   * where each image goes through by itself.
   */
  readonly chunk?: number;
}

export interface RunOptions {
  /** Which noise an image gets; by default the choice given to the extractor. */
  readonly noiseIndices?: NoiseIndices;
  /** Called with the number of images done so far. */
  readonly progress?: (images: number) => void;
  /** Stops the work before the next pass; all tensors are freed. */
  readonly signal?: AbortSignal;
}

export type ExtractOptions = ExtractorOptions & RunOptions;

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
  return new Extractor(model, data, options).run(data, options);
}

/** Batch sizes that one pass serves. */
interface Group {
  readonly sizes: readonly number[];
  /** Made when it is first needed. */
  passes?: FeaturePasses;
}

/** The results of one pass for the batches of one size. */
interface Found {
  readonly rows: number;
  /** Of single images, in nats. There are more than `rows · B` if the last batch was padded. */
  readonly logLikelihood: Float32Array;
  readonly features: readonly LayerFeature[];
}

/** Batch sizes whose common multiple exceeds this go through the model one size at a time. */
const MOST_TOGETHER = 128;

/** Extraction from one set, part by part. */
export class Extractor {
  /** Parts begin at multiples of this number of images. */
  readonly cut: number;
  private readonly groups: readonly Group[];
  /** Rows per image: one for each draw of its noise. */
  private readonly draws: number;

  /**
   * @throws {FisherlabError} if a batch size is not a whole number from 1 on, or is larger than the
   *   set; if several draws are asked for batches of more than one image; or if `seed` or `chunk`
   *   is not a whole number in its range
   */
  constructor(
    private readonly model: Model,
    private readonly set: Pick<Images, 'name' | 'count'>,
    private readonly options: ExtractorOptions,
  ) {
    const { batchSizes, chunk = MOST_TOGETHER, noiseIndices = BY_POSITION, seed } = options;
    assertSeed(seed);
    assertWhole('chunk', chunk);
    this.draws = noiseIndices.draws ?? 1;
    const wrong = batchSizes.find((B) => !(Number.isInteger(B) && B >= 1));
    if (wrong !== undefined)
      throw new FisherlabError(
        `a batch cannot have ${wrong} images`,
        'give whole numbers from 1 on',
      );
    const largest = Math.max(...batchSizes);
    if (largest > set.count) {
      throw new FisherlabError(
        `a batch of ${largest} is larger than the ${set.count} images of '${set.name}'`,
        'choose a smaller batch size',
      );
    }
    if (noiseIndices.draws !== undefined && largest > 1)
      throw new FisherlabError(
        `noise by ${noiseIndices.name} is for single images, not for batches of ${largest}`,
        'choose the batch size 1',
      );
    this.cut = cutEvery(batchSizes);
    this.groups =
      leastCommonMultiple(batchSizes) <= Math.max(chunk, largest)
        ? [{ sizes: batchSizes }]
        : batchSizes.map((B) => ({ sizes: [B] }));
  }

  /**
   * The tables of some images of the set, one for each batch size.
   * @param data images from one multiple of `cut` to a later one, or to the end of the set
   * @throws {FisherlabError} if a feature is not finite
   * @throws the reason of `signal`, once it is aborted
   */
  async run(data: Images, options: RunOptions = {}): Promise<FeatureTable[]> {
    options.signal?.throwIfAborted();
    const { batchSizes } = this.options;
    const found = new Map<number, Found[]>(batchSizes.map((B) => [B, []]));
    for (const group of this.groups) await this.passOver(group, data, found, options);
    return batchSizes.map((B) => joined(found.get(B) ?? [], B));
  }

  private async passOver(
    group: Group,
    data: Images,
    found: ReadonlyMap<number, Found[]>,
    { progress, signal, noiseIndices = this.options.noiseIndices ?? BY_POSITION }: RunOptions,
  ): Promise<void> {
    const { sizes } = group;
    const { draws } = this;
    const unit = leastCommonMultiple(sizes);
    const end = draws * Math.max(...sizes.map((B) => data.count - (data.count % B)));
    const sample = (from: number, count: number, to: number) =>
      this.sample(data, noiseIndices, from, count, to);
    group.passes ??= this.passesOf(group, (count) => sample(0, count, draws * data.count));
    const { atOnce, run } = group.passes;
    // A part without a whole batch also gets one pass, so that its tables have columns, though no
    // rows.
    for (let at = 0; at === 0 || at < end; at += atOnce) {
      const count = Math.min(atOnce, end - at);
      // Pad to whole batches of every size; the padding is left out of the tables.
      const filled = Math.max(1, Math.ceil(count / unit)) * unit;
      const { images, noise } = sample(at, filled, end === 0 ? draws * data.count : end);
      try {
        const { logLikelihood, byBatchSize } = run(images, noise);
        sizes.forEach((B, s) => {
          const [rows, features] = [Math.floor(count / B), byBatchSize[s] ?? []];
          found.get(B)?.push({ rows, logLikelihood, features });
        });
      } finally {
        tf.dispose([images, noise]);
      }
      progress?.((at + count) / draws);
      await new Promise(setImmediate); // let timers, signals and displays run
      signal?.throwIfAborted();
    }
  }

  /** @param sample returns this many rows of the set, to measure and to record with */
  private passesOf(group: Group, sample: Sample): FeaturePasses {
    const { model } = this;
    const { features = [squaredNorm], chunk, noiseIndices } = this.options;
    if (noiseIndices?.draws !== undefined)
      return passesByParts(model, features, group.sizes, this.draws, sample);
    if (chunk !== undefined) return eagerly(model, features, group.sizes, chunk);
    return featurePasses(model, features, group.sizes, this.draws * this.set.count, sample);
  }

  /**
   * The images of the rows from `start` on, with their noise; beyond `end` the last image is
   * repeated. `start` and `end` lie between images, not between draws of one image.
   */
  private sample(
    data: Images,
    noiseIndices: NoiseIndices,
    start: number,
    count: number,
    end: number,
  ) {
    const { model, draws } = this;
    const { seed } = this.options;
    const positions = Array.from({ length: count / draws }, (_, k) =>
      Math.min(start / draws + k, end / draws - 1),
    );
    const indices = noiseIndices.of(data, positions);
    const each = positions.flatMap((position) => new Array<number>(draws).fill(position));
    return {
      images: imagesFor(model, data, each, seed, indices),
      noise: model.noise(indices, seed),
    };
  }
}

function joined(found: readonly Found[], B: number): FeatureTable {
  const rows = found.reduce((sum, part) => sum + part.rows, 0);
  const logLikelihood = new Float64Array(rows);
  let row = 0;
  for (const part of found) {
    for (let k = 0; k < part.rows; k++)
      logLikelihood[row++] = part.logLikelihood
        .subarray(k * B, (k + 1) * B)
        .reduce((a, b) => a + b, 0);
  }
  const columns: Column[] = [{ feature: 'log-likelihood', values: logLikelihood }];
  const first = found[0]?.features ?? [];
  first.forEach(({ feature, layer, k }, f) => {
    for (let component = 0; component < k; component++) {
      const values = new Float64Array(rows);
      let at = 0;
      for (const part of found) {
        const numbers = part.features[f]?.values ?? new Float32Array(0);
        for (let n = 0; n < part.rows; n++) values[at++] = numbers[n * k + component] as number;
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
