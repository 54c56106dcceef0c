/**
 * # Columns that are not of a layer
 *
 * Some detectors read numbers that no gradient holds: how well an image compresses, the two parts
 * of a flow's log-likelihood, what another model says of it. All of these are numbers s(x) of *one
 * image*, and a batch has their sum, as it has the sum of log-likelihoods:
 *
 *     s(x_{1:B}) = Σ_b s(x_b).
 *
 * So each is computed once for every image, kept on disk as a table of B = 1 under the checksum of
 * all that changes it, and summed for any B. To add one, write a function that gives an
 * `ImageStatistic` in a file of its own, in the unit and with the sign its detector expects, and
 * name it in `registry.ts`.
 */
import { createHash } from 'node:crypto';
import type { Images } from '../data/index';
import type { FeatureTable } from '../detectors/index';
import { FisherlabError } from '../errors';
import { BY_POSITION, type NoiseIndices } from './noise-indices';
import { CACHE_FOLDER, type CacheKey, cachedTable } from './table-cache';

/** Numbers of single images. */
export interface ImageStatistic {
  /** As progress and cache call it. */
  readonly name: string;
  /** Raised by whoever changes the numbers: tables of another version are not read. */
  readonly version: number;
  /** The columns it makes; if one feature has several, `layer` tells them apart. */
  readonly columns: readonly { readonly feature: string; readonly layer?: string }[];
  /** What else changes the numbers besides the images: checksums of weights, seeds, options. */
  readonly key: CacheKey;
  /**
   * For each column the numbers of the images at `positions`, [n].
   * @param indices those of their noise; their positions where left out
   */
  of(
    data: Images,
    positions: readonly number[],
    indices?: readonly number[],
  ): Promise<readonly ArrayLike<number>[]>;
  /** Frees what it holds. */
  dispose?(): void;
}

export interface StatisticOptions {
  /** Which noise an image gets; that of its place in the set where left out. */
  readonly noiseIndices?: NoiseIndices;
  /** Called with how many images are done; not called for a table that was kept. */
  readonly progress?: (images: number) => void;
  /** Folder of the tables that are kept; `CACHE_FOLDER` unless told. */
  readonly cache?: string;
  /** Ends the work before the next images; nothing is kept then. */
  readonly signal?: AbortSignal;
}

/** Rows at a time. */
const CHUNK = 50;

/** SHA-256 of pixels: what images are known by in a key. */
export function imagesChecksum(data: Images): string {
  return createHash('sha256').update(data.images).digest('hex');
}

/**
 * One row an image and draw of its noise: from the cache, or computed and kept.
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
 * A row for each draw of the noise of each image, computed.
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
          'look for damaged weights or images',
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
 * A table of single images as one of consecutive batches of B, each the sum of its images; a last
 * batch that is not full is dropped.
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
        `tables of ${first.rows} batches of ${first.batchSize} and of ${other.rows} batches of ${other.batchSize} do not go side by side`,
        'make them of the same images',
      );
    }
  }
  return { ...first, columns: [first, ...others].flatMap((table) => table.columns) };
}
