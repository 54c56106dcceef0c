/**
 * # Columns that are not of a layer
 *
 * Some detectors read numbers that are not in any gradient: how well an image compresses, the two
 * parts of a flow's log-likelihood, the likelihood under another model. Each of these is a number
 * s(x) of *one image*. A batch has their sum, as it has the sum of log-likelihoods:
 *
 *     s(x_{1:B}) = Σ_b s(x_b).
 *
 * So each number is computed once per image, kept on disk in a table of B = 1 under the checksum of
 * everything that affects it, and summed for any B. To add a statistic, write a function that
 * returns an `ImageStatistic` in its own file, in the unit and with the sign its detector expects,
 * and add it to `registry.ts`.
 */
import { createHash } from 'node:crypto';
import type { Images } from '../data/index';
import type { FeatureTable } from '../detectors/index';
import { FisherlabError } from '../errors';
import { BY_POSITION, type NoiseIndices } from './noise-indices';
import { CACHE_FOLDER, type CacheKey, cachedTable } from './table-cache';

/** Numbers of single images. */
export interface ImageStatistic {
  /** The name used by the progress display and the cache. */
  readonly name: string;
  /** Raise it when you change the numbers; tables of another version are not read. */
  readonly version: number;
  /** The columns it makes; if one feature has several, `layer` tells them apart. */
  readonly columns: readonly { readonly feature: string; readonly layer?: string }[];
  /** What the numbers depend on besides the images: checksums of weights, seeds, options. */
  readonly key: CacheKey;
  /**
   * For each column, the numbers of the images at `positions`, [n].
   * @param indices of their noise; by default their positions
   */
  of(
    data: Images,
    positions: readonly number[],
    indices?: readonly number[],
  ): Promise<readonly ArrayLike<number>[]>;
  /** Frees the tensors it holds. */
  dispose?(): void;
}

export interface StatisticOptions {
  /** Which noise an image gets; by default that of its position in the set. */
  readonly noiseIndices?: NoiseIndices;
  /** Called with how many images are done; not called for a table read from the cache. */
  readonly progress?: (images: number) => void;
  /** The folder that keeps the tables; `CACHE_FOLDER` by default. */
  readonly cache?: string;
  /** Stops the work before the next images; nothing is kept then. */
  readonly signal?: AbortSignal;
}

/** How many rows are computed at a time. */
const CHUNK = 50;

/** The SHA-256 of the pixels, which identifies the images in a key. */
export function imagesChecksum(data: Images): string {
  return createHash('sha256').update(data.images).digest('hex');
}

/**
 * One row for each image and draw of its noise, read from the cache, or computed and kept.
 * @throws {FisherlabError} if a number is not finite
 * @throws the reason of `signal`, once it is aborted
 */
export function statisticTable(
  statistic: ImageStatistic,
  data: Images,
  { noiseIndices = BY_POSITION, progress, cache = CACHE_FOLDER, signal }: StatisticOptions = {},
): Promise<FeatureTable> {
  const { name, version } = statistic;
  const images = imagesChecksum(data);
  const noise: CacheKey = noiseIndices === BY_POSITION ? {} : { noise: noiseIndices.name };
  const key: CacheKey = { ...statistic.key, statistic: name, version, images, ...noise };
  return cachedTable(cache, key, () =>
    computedStatistic(statistic, data, {
      noiseIndices,
      ...(progress === undefined ? {} : { progress }),
      ...(signal === undefined ? {} : { signal }),
    }),
  );
}

/**
 * Computes one row for each image and draw of its noise, without the cache.
 * @throws {FisherlabError} if a number is not finite
 * @throws the reason of `signal`, once it is aborted
 */
export async function computedStatistic(
  statistic: ImageStatistic,
  data: Images,
  { noiseIndices = BY_POSITION, progress, signal }: Omit<StatisticOptions, 'cache'>,
): Promise<FeatureTable> {
  const { name, columns } = statistic;
  const { draws = 1 } = noiseIndices;
  const rows = draws * data.count;
  const atOnce = Math.floor(CHUNK / draws);
  const values = columns.map(() => new Float64Array(rows));
  for (let start = 0; start < data.count; start += atOnce) {
    signal?.throwIfAborted();
    const images = Array.from(
      { length: Math.min(atOnce, data.count - start) },
      (_, k) => start + k,
    );
    const positions = images.flatMap((image) => new Array<number>(draws).fill(image));
    const found = await statistic.of(data, positions, noiseIndices.of(data, images));
    found.forEach((numbers, column) => {
      const bad = Array.from(numbers).findIndex((number) => !Number.isFinite(number));
      if (bad >= 0)
        throw new FisherlabError(
          `${name} of image ${positions[bad]} of '${data.name}' is ${numbers[bad]}`,
          'check the weights and the images for damage',
        );
      values[column]?.set(numbers, draws * start);
    });
    progress?.(start + images.length);
    await new Promise(setImmediate); // timers, signals and displays have their turn
  }
  signal?.throwIfAborted();
  return {
    rows,
    batchSize: 1,
    columns: columns.map((column, c) => ({ ...column, values: values[c] as Float64Array })),
  };
}

/**
 * Turns a table of single images into one of consecutive batches of B, each the sum of its images.
 * The last batch is dropped if it is not full.
 */
export function summedInBatches(table: FeatureTable, B: number): FeatureTable {
  if (B === 1) return table;
  const rows = Math.floor(table.rows / B);
  const columns = table.columns.map((column) => ({
    ...column,
    values: Float64Array.from({ length: rows }, (_, row) =>
      column.values.subarray(row * B, (row + 1) * B).reduce((sum, value) => sum + value, 0),
    ),
  }));
  return { rows, batchSize: B, columns };
}

/**
 * The columns of several tables of the same batches side by side.
 * @throws {FisherlabError} if tables are of different batches
 */
export function beside(first: FeatureTable, ...others: readonly FeatureTable[]): FeatureTable {
  for (const other of others) {
    if (other.rows !== first.rows || other.batchSize !== first.batchSize) {
      throw new FisherlabError(
        `tables of ${first.rows} batches of ${first.batchSize} and of ${other.rows} batches of ${other.batchSize} cannot be put side by side`,
        'make them from the same images',
      );
    }
  }
  return { ...first, columns: [first, ...others].flatMap((table) => table.columns) };
}
