/**
 * # An experiment: a model, its own test set, and others
 *
 * Features cost minutes, detectors milliseconds. So the tables of features are kept on disk under the checksum of everything they were made from, the weights, the images, the seed, the features,
 * the backend; an experiment that was interrupted goes on where it was, and a notebook reads what `npm start` has computed.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { tf } from '../backend/index';
import { inCheckout } from '../backend/root';
import { type Dataset, dataset, type Images } from '../data/dataset';
import type { FeatureTable } from '../detectors/table';
import { type Feature, squaredNorm } from '../gradients/features';
import { type LoadedModel, loadModel } from '../models/checkpoint';
import { extractTables } from './features';
import { type NamedTable, type ResultRow, resultRows } from './protocol';
import { type CacheKey, readTable, tablePath, writeTable } from './table-cache';

/** Where tables of features are kept: `out/cache` of the checkout. */
export const CACHE_FOLDER = inCheckout('out', 'cache');

/** The detectors of the paper's main comparison. */
export const MAIN_METHODS = ['likelihood', 'typicality', 'layer-wise gradients'] as const;

/** The first experiment, which `npm start` runs: a Glow of Fashion-MNIST, its own test set, and four others it never saw. */
export const FIRST_EXPERIMENT = {
  model: 'glow-fashion_mnist',
  sets: ['fashion_mnist', 'mnist', 'kmnist', 'emnist_letters', 'omniglot'],
  batchSizes: [1, 5],
  seed: 1,
  /** Images of each set in a hurry (`FISHERLAB_QUICK=1`); else all there are. */
  quickImages: 200,
} as const;

/** The images of each set that notebooks and `npm start` look at: all (undefined), or few where `FISHERLAB_QUICK` is set. */
export function imageLimit(): number | undefined {
  return process.env.FISHERLAB_QUICK ? FIRST_EXPERIMENT.quickImages : undefined;
}

/** The model of the first experiment and its tables, `tables[b][s]` of batch size b (1, then 5) and set s (its own first). */
export async function firstExperiment(
  progress?: ExperimentOptions['progress'],
  begins?: ExperimentOptions['begins'],
): Promise<{ loaded: LoadedModel; tables: NamedTable[][] }> {
  const { model, sets, batchSizes, seed } = FIRST_EXPERIMENT;
  const loaded = loadModel(model);
  const limit = imageLimit();
  const tables = await experimentTables(loaded, sets, {
    batchSizes,
    seed,
    ...(limit === undefined ? {} : { limit }),
    ...(progress === undefined ? {} : { progress }),
    ...(begins === undefined ? {} : { begins }),
  });
  return { loaded, tables };
}

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
  /** Called as images are done, with the set's name and how many of how many; not called for tables that were kept. */
  readonly progress?: (set: string, images: number, total: number) => void;
}

/** SHA-256 of pixels: caches are keyed by it. */
export function imagesChecksum(data: Images): string {
  return createHash('sha256').update(data.images).digest('hex');
}

/** Where the table of each batch size is kept. */
function filesOf(loaded: LoadedModel, data: Images, options: ExperimentOptions): { key: CacheKey; file: string }[] {
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

/** The tables of one set, one for each batch size: from the cache, or computed in one pass and kept. */
export async function tablesOf(loaded: LoadedModel, data: Images, options: ExperimentOptions): Promise<FeatureTable[]> {
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

/** The test sets of an experiment with their tables: `tables[b][s]` is of batch size b and set s, the model's own set first. */
export async function experimentTables(
  loaded: LoadedModel,
  sets: readonly string[],
  options: ExperimentOptions,
): Promise<NamedTable[][]> {
  const bySet: FeatureTable[][] = [];
  for (const name of sets) {
    const data = await dataset(name, 'test', options.limit === undefined ? {} : { limit: options.limit });
    options.begins?.(data);
    bySet.push(await tablesOf(loaded, data, options));
  }
  return options.batchSizes.map((_, b) => sets.map((name, s) => ({ name, table: bySet[s]?.[b] as FeatureTable })));
}

/** Results of every method, for every batch size and every set but the first, which is the model's own. */
export function experimentRows(
  loaded: LoadedModel,
  tables: readonly NamedTable[][],
  methods: readonly string[],
  seed: number,
): ResultRow[] {
  return tables.flatMap(([inside, ...outside]) => resultRows(loaded.name, inside as NamedTable, outside, methods, seed));
}
