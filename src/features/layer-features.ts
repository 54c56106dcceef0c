/**
 * # Features of layers: one pass for everything that is missing
 *
 * The table of a feature is kept under the checksum of everything it was made from: the weights,
 * the images, the seed, the batch size, the backend, and
 *
 * - its name and version, if it is in the registry;
 * - also the reference images, if it is fitted;
 * - its text and options, if it is your own and its numbers depend on nothing else
 *   (`own-feature.ts`). Your other features are kept in memory until the process ends.
 *
 * The missing tables of a set are computed in one pass over its images. Features are fitted only if
 * one of their tables is missing, and then once for all sets.
 */
import { tf } from '../backend/index';
import type { Images } from '../data/index';
import type { FeatureTable } from '../detectors/index';
import type { Feature, Json } from '../gradients/index';
import type { LoadedModel } from '../models/index';
import { extractTables } from './extract';
import { imagesOf } from './image-draws';
import { BY_POSITION, type NoiseIndices } from './noise-indices';
import { OwnFeature } from './own-feature';
import { type Reference, referenceImages } from './reference';
import type { FeatureEntry, Fitted } from './registry';
import { imagesChecksum } from './statistic';
import { CACHE_FOLDER, type CacheKey, readTable, writeTable } from './table-cache';

/** A feature with a column for every layer. */
export type OfLayers = Exclude<FeatureEntry, { kind: 'image' }> | OwnFeature;

export interface LayerTableOptions {
  readonly batchSizes: readonly number[];
  readonly seed: number;
  /**
   * Which noise an image gets; by default that of its position in the set. With several draws a
   * table has one row for each draw of each image.
   */
  readonly noiseIndices?: NoiseIndices;
  /** What fitted features learn from; by default `referenceImages` of the model's own set. */
  readonly reference?: Reference;
  /** The folder that keeps the tables; `out/cache` by default. */
  readonly cache?: string;
  /**
   * Called as images are done, with the name of the set (while a feature is fitted, with the words
   * of the reference), how many of how many, and what is computed. Not called for tables read from
   * the cache.
   */
  readonly progress?: (set: string, images: number, total: number, what: string) => void;
  /** Stops the work before the next pass; finished tables are kept, and all tensors are freed. */
  readonly signal?: AbortSignal;
}

/** Tables of features that cannot be kept on disk, for as long as this process runs. */
const ofThisProcess = new WeakMap<OwnFeature, Map<string, FeatureTable>>();

/** The features of layers of one model; call `dispose` when done. */
export class LayerFeatures {
  private readonly made = new Map<OfLayers, Fitted>();
  private reference: Reference | undefined;

  constructor(
    private readonly loaded: LoadedModel,
    private readonly options: LayerTableOptions,
  ) {
    this.reference = options.reference;
  }

  dispose(): void {
    for (const feature of this.made.values()) feature.dispose?.();
  }

  /** Tables `[feature][batch size]`, each with the log-likelihood. */
  async tablesOf(data: Images, features: readonly OfLayers[]): Promise<FeatureTable[][]> {
    const { batchSizes, seed, noiseIndices = BY_POSITION, progress, signal } = this.options;
    const images = imagesChecksum(data);
    const tables = await Promise.all(
      features.map((feature) =>
        Promise.all(
          batchSizes.map(async (B) => this.recall(feature, await this.keyOf(feature, images, B))),
        ),
      ),
    );
    const missing = features.filter((_, f) => tables[f]?.includes(undefined));
    const sizes = batchSizes.filter((_, b) => tables.some((ofFeature) => !ofFeature[b]));
    if (missing.length === 0) return tables as FeatureTable[][];
    const made: Feature[] = [];
    for (const feature of missing) made.push(await this.make(feature, data));
    const found = await extractTables(this.loaded.model, data, {
      batchSizes: sizes,
      seed,
      noiseIndices,
      features: made,
      progress: (done) => progress?.(data.name, done, data.count, 'gradient norms'),
      ...(signal === undefined ? {} : { signal }),
    });
    for (const feature of missing) {
      const ofFeature = tables[features.indexOf(feature)] as (FeatureTable | undefined)[];
      for (const [i, B] of sizes.entries()) {
        const b = batchSizes.indexOf(B);
        if (ofFeature[b] !== undefined) continue;
        const table = withLikelihood(found[i] as FeatureTable, feature.name);
        await this.keep(feature, await this.keyOf(feature, images, B), table);
        ofFeature[b] = table;
      }
    }
    return tables as FeatureTable[][];
  }

  /**
   * The key of a table; `feature` is null if the feature has no key that a file could be kept
   * under.
   */
  private async keyOf(
    feature: OfLayers,
    images: string,
    batchSize: number,
  ): Promise<CacheKey & { feature: Json }> {
    const { checksum: model } = this.loaded;
    const { seed, noiseIndices = BY_POSITION } = this.options;
    const noise: CacheKey = noiseIndices === BY_POSITION ? {} : { noise: noiseIndices.name };
    const shared = { model, images, batchSize, seed, ...noise, backend: tf.getBackend() };
    if (feature instanceof OwnFeature) return { ...shared, feature: feature.identity };
    const { name, version } = feature;
    if (feature.kind === 'layer') return { ...shared, feature: { name, version } };
    const learnt = await this.referenceImages();
    const reference = {
      images: imagesChecksum(learnt.images),
      count: learnt.images.count,
      seed: learnt.seed,
    };
    return { ...shared, feature: { name, version, reference } };
  }

  private async referenceImages(): Promise<Reference> {
    this.reference ??= await referenceImages(this.loaded.header.data.name, this.options.seed);
    return this.reference;
  }

  private async make(feature: OfLayers, data: Images): Promise<Feature> {
    const { seed, progress, signal } = this.options;
    const { model } = this.loaded;
    if (feature instanceof OwnFeature) {
      feature.check(model, data, seed);
      return feature;
    }
    if (feature.kind === 'layer') return feature.feature;
    const known = this.made.get(feature);
    if (known !== undefined) return known;
    signal?.throwIfAborted();
    const reference = await this.referenceImages();
    const indices = Array.from({ length: reference.images.count }, (_, k) => k);
    const fitted = await feature.fit(
      model,
      imagesOf(model, reference.images, indices, reference.seed),
      {
        progress: (done, total) =>
          progress?.(reference.words, done, total, `fitting ${feature.name}`),
        ...(signal === undefined ? {} : { signal }),
      },
    );
    this.made.set(feature, fitted);
    return fitted;
  }

  private async recall(
    feature: OfLayers,
    key: CacheKey & { feature: Json },
  ): Promise<FeatureTable | undefined> {
    const { cache = CACHE_FOLDER } = this.options;
    if (key.feature !== null) return readTable(cache, key);
    return ofThisProcess.get(feature as OwnFeature)?.get(JSON.stringify(key));
  }

  private async keep(
    feature: OfLayers,
    key: CacheKey & { feature: Json },
    table: FeatureTable,
  ): Promise<void> {
    const { cache = CACHE_FOLDER } = this.options;
    if (key.feature !== null) return writeTable(cache, key, table);
    const tables = ofThisProcess.get(feature as OwnFeature) ?? new Map<string, FeatureTable>();
    ofThisProcess.set(feature as OwnFeature, tables.set(JSON.stringify(key), table));
  }
}

/** The columns of one feature; a feature of k numbers has `name[0]`, `name[1]`, … */
export function only(table: FeatureTable, name: string): FeatureTable {
  const columns = table.columns.filter(({ feature }) => isOf(feature, name));
  return { ...table, columns };
}

/** The log-likelihood and the columns of one feature. */
function withLikelihood(table: FeatureTable, name: string): FeatureTable {
  const columns = table.columns.filter(
    ({ feature }) => feature === 'log-likelihood' || isOf(feature, name),
  );
  return { ...table, columns };
}

function isOf(feature: string, name: string): boolean {
  if (feature === name) return true;
  return feature.startsWith(`${name}[`) && /^\d+\]$/.test(feature.slice(name.length + 1));
}
