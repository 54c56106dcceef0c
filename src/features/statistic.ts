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
  /** For each column the numbers of the images at `indices`, [n]. */
  of(data: Images, indices: readonly number[]): Promise<readonly ArrayLike<number>[]>;
  /** Frees what it holds. */
  dispose?(): void;
}

export interface StatisticOptions {
  /** Called with how many images are done; not called for a table that was kept. */
  readonly progress?: (images: number) => void;
  /** Folder of the tables that are kept; `CACHE_FOLDER` unless told. */
  readonly cache?: string;
  /** Ends the work before the next images; nothing is kept then. */
  readonly signal?: AbortSignal;
}

/** Images at a time. */
const CHUNK = 50;

/** SHA-256 of pixels: what images are known by in a key. */
export function imagesChecksum(data: Images): string {
  return createHash('sha256').update(data.images).digest('hex');
}

/**
 * One row an image: from the cache, or computed and kept.
 * @throws {FisherlabError} if a number is not finite
 * @throws the reason of `signal`, once it is aborted
 */
export function statisticTable(
  statistic: ImageStatistic,
  data: Images,
  { progress, cache = CACHE_FOLDER, signal }: StatisticOptions = {},
): Promise<FeatureTable> {
  const { name, version } = statistic;
  const images = imagesChecksum(data);
  const key: CacheKey = { ...statistic.key, statistic: name, version, images };
  return cachedTable(cache, key, () =>
    computedStatistic(statistic, data, 0, data.count, {
      ...(progress === undefined ? {} : { progress }),
      ...(signal === undefined ? {} : { signal }),
    }),
  );
}

/**
 * One row for each of the images `from` to `to` (exclusive), computed.
 * @throws {FisherlabError} if a number is not finite
 * @throws the reason of `signal`, once it is aborted
 */
export async function computedStatistic(
  statistic: ImageStatistic,
  data: Images,
  from: number,
  to: number,
  { progress, signal }: Pick<StatisticOptions, 'progress' | 'signal'>,
): Promise<FeatureTable> {
  const { name, columns } = statistic;
  const values = columns.map(() => new Float64Array(to - from));
  for (let start = from; start < to; start += CHUNK) {
    signal?.throwIfAborted();
    const indices = Array.from({ length: Math.min(CHUNK, to - start) }, (_, k) => start + k);
    const found = await statistic.of(data, indices);
    found.forEach((numbers, column) => {
      const bad = Array.from(numbers).findIndex((number) => !Number.isFinite(number));
      if (bad >= 0)
        throw new FisherlabError(
          `${name} of image ${start + bad} of '${data.name}' is ${numbers[bad]}`,
          'look for damaged weights or images',
        );
      values[column]?.set(numbers, start - from);
    });
    progress?.(start + indices.length - from);
    await new Promise(setImmediate); // timers, signals and displays have their turn
  }
  signal?.throwIfAborted();
  return {
    rows: to - from,
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
