/**
 * # Tables that are kept
 *
 * Features cost minutes, detectors milliseconds. So tables are kept on disk under the checksum of
 * everything they were made from: the weights, the images, the seed, the features, the backend. An
 * experiment that was interrupted goes on where it was, and a notebook reads what `npm start` has
 * computed.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { inCheckout, tf } from '../backend/index';
import type { Dataset, Images } from '../data/index';
import type { FeatureTable } from '../detectors/index';
import { type Feature, squaredNorm } from '../gradients/index';
import type { LoadedModel } from '../models/index';
import { extractTables } from './extract';
import { type CacheKey, readTable, tablePath, writeTable } from './table-cache';

/** Where tables of features are kept: `out/cache` of the checkout. */
export const CACHE_FOLDER = inCheckout('out', 'cache');

export interface ExperimentOptions {
  readonly batchSizes: readonly number[];
  readonly seed: number;
  /** The first images of each set; all where left out. */
  readonly limit?: number;
  readonly features?: readonly Feature[];
  /** What features that are fitted first were fitted on: it changes the numbers. */
  readonly reference?: string;
  /** Folder of the tables that are kept; `CACHE_FOLDER` unless told. */
  readonly cache?: string;
  /** Called with each set before its images are looked at. */
  readonly begins?: (data: Dataset) => void;
  /**
   * Called as images are done, with the set's name and how many of how many; not called for tables
   * that were kept.
   */
  readonly progress?: (set: string, images: number, total: number) => void;
}

/** SHA-256 of pixels: caches are keyed by it. */
export function imagesChecksum(data: Images): string {
  return createHash('sha256').update(data.images).digest('hex');
}

/** Where the table of each batch size is kept. */
function filesOf(
  loaded: LoadedModel,
  data: Images,
  options: ExperimentOptions,
): { key: CacheKey; file: string }[] {
  const { batchSizes, seed, features = [squaredNorm], reference, cache = CACHE_FOLDER } = options;
  const images = imagesChecksum(data);
  return batchSizes.map((B) => {
    const key: CacheKey = {
      model: loaded.checksum,
      images,
      batchSize: B,
      seed,
      features: features.map((feature) => feature.name),
      backend: tf.getBackend(),
      ...(reference === undefined ? {} : { reference }),
    };
    return { key, file: tablePath(cache, key) };
  });
}

/** Whether the tables of a set are all kept already. */
export function areKept(loaded: LoadedModel, data: Images, options: ExperimentOptions): boolean {
  return filesOf(loaded, data, options).every(({ file }) => existsSync(file));
}

/**
 * The tables of one set, one for each batch size: from the cache, or computed in one pass and kept.
 */
export async function tablesOf(
  loaded: LoadedModel,
  data: Images,
  options: ExperimentOptions,
): Promise<FeatureTable[]> {
  const { batchSizes, seed, features = [squaredNorm], progress } = options;
  const files = filesOf(loaded, data, options);
  const kept = await Promise.all(files.map(({ file }) => readTable(file)));
  const missing = batchSizes.filter((_, b) => kept[b] === undefined);
  if (missing.length === 0) return kept as FeatureTable[];
  const made = await extractTables(loaded.model, data, {
    batchSizes: missing,
    seed,
    features,
    progress: (images) => progress?.(data.name, images, data.count),
  });
  await Promise.all(
    missing.map((B, m) => {
      const { file, key } = files[batchSizes.indexOf(B)] as (typeof files)[number];
      return writeTable(file, made[m] as FeatureTable, key);
    }),
  );
  return batchSizes.map((B, b) => kept[b] ?? (made[missing.indexOf(B)] as FeatureTable));
}
