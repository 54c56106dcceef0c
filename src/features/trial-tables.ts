/**
 * # Feature tables for trials
 *
 * A trial asks for features by *name*, where they are known here, or brings features of its own.
 * Known ones are kept on disk one by one, under the checksum of everything they were made from, so
 * that the thirtieth candidate costs no more than its combiner; features of one's own are kept as
 * long as the process lives, since nothing can tell whether a function of the same name still does
 * the same. What is missing is computed in one pass.
 *
 * Some features are *fitted* first (mean gradients, Fisher norms). Their reference are the first
 * images of the model's own test set, which are then left out of the table: no image is both
 * weighed and a weight. (In-sample Fisher norms of the images the estimate was made from are much
 * too small, and a detector fitted on them finds everything strange.)
 */
import { createHash } from 'node:crypto';
import type { Tensor } from '@tensorflow/tfjs';
import { assertKnown, deriveSeed, FisherlabError, tf } from '../backend/index';
import { type Dataset, dataset, pixels } from '../data/index';
import type { FeatureTable, NamedTable } from '../detectors/index';
import {
  type Draws,
  dampedFisherNorm,
  diagonalFisherNorm,
  imagesOf,
  kroneckerFisherNorm,
} from '../fisher/index';
import {
  checkFeature,
  cosineWithMean,
  type Feature,
  inputGradientNorms,
  maximum,
  oneNorm,
  randomProjections,
  squaredNorm,
} from '../gradients/index';
import type { LoadedModel, Model } from '../models/index';
import { extractTables } from './extract';
import { type CacheKey, readTable, tablePath, writeTable } from './table-cache';
import { CACHE_FOLDER } from './tables';

/** Features of layers by name: how each is made for a model and its reference images. */
const OF_LAYERS = {
  'squared-norm': () => squaredNorm,
  'one-norm': () => oneNorm,
  maximum: () => maximum,
  'random-projections': () => randomProjections(2, 1),
  'cosine-with-mean': (model: Model, reference: Draws) => cosineWithMean(model, reference),
  'damped-fisher-norm': (model: Model, reference: Draws) => dampedFisherNorm(model, reference),
  'diagonal-fisher-norm': (model: Model, reference: Draws) => diagonalFisherNorm(model, reference),
  'kronecker-fisher-norm': (model: Model, reference: Draws) =>
    kroneckerFisherNorm(model, reference),
} satisfies Record<string, (model: Model, reference: Draws) => Feature | Promise<Feature>>;

/** Columns that are not of a layer: one number an image, [N], added up over a batch. */
const OF_IMAGES: Record<string, (model: Model, images: Tensor, noise: Tensor) => Float32Array> = {
  'input-gradient-norm': inputGradientNorms,
  'log-determinant': (model, images, noise) => part(model, 'logDet', images, noise),
  'log-prior': (model, images, noise) => part(model, 'prior', images, noise),
};

/** Names of the features that are known here. */
export const FEATURE_NAMES: readonly string[] = [
  ...Object.keys(OF_LAYERS),
  ...Object.keys(OF_IMAGES),
];

/** A feature by name, or one of one's own. */
export type FeatureChoice = string | Feature;

export interface TrialTableOptions {
  readonly batchSizes: readonly number[];
  readonly seed: number;
  /** Images of each set, besides the reference; all there are where left out. */
  readonly images?: number;
  /**
   * Images that fitted features learn from: the first ones of the model's own test set. 256 by
   * default.
   */
  readonly reference?: number;
  readonly progress?: (set: string, images: number, total: number) => void;
  /** Where tables of known features are kept; `out/cache` by default. */
  readonly cache?: string;
}

/**
 * Images that features are fitted on, unless told otherwise: as many as in the first trial of exact
 * Fisher norms.
 */
export const REFERENCE = 256;

/** Tables of the reader's own features, for this process. */
const own = new WeakMap<Feature, Map<string, FeatureTable>>();
/** Features that have passed `checkFeature`. */
const checked = new WeakSet<Feature>();

/**
 * Tables `[b][s]` of batch size b and set s, the model's own first: the log-likelihood, the squared
 * norms, and every feature of `features`.
 * @throws FisherlabError for an unknown feature, too few images, or a feature with a mistake
 *   (`checkFeature`)
 */
export async function trialTables(
  loaded: LoadedModel,
  sets: { readonly in: string; readonly out: readonly string[] },
  features: readonly FeatureChoice[],
  options: TrialTableOptions,
): Promise<NamedTable[][]> {
  const { batchSizes, seed, images, reference = REFERENCE } = options;
  const wanted = withSquaredNorm(features);
  const whole = await dataset(
    sets.in,
    'test',
    images === undefined ? {} : { limit: reference + images },
  );
  if (whole.count < reference + 2 * Math.max(...batchSizes)) {
    throw new FisherlabError(
      `'${sets.in}' has ${whole.count} images, too few for ${reference} as a reference and others to score`,
      'take a smaller reference or more images',
    );
  }
  const draws = imagesOf(
    loaded.model,
    whole,
    Array.from({ length: reference }, (_, i) => i),
    deriveSeed(seed, 9),
  );
  const about = sha256(whole.images.subarray(0, reference * imageSize(whole)));
  // a feature is fitted once, and only if some table is missing
  const made = new Map<string, Feature>();
  const featureNamed = async (name: string) => {
    const known =
      made.get(name) ?? (await OF_LAYERS[name as keyof typeof OF_LAYERS](loaded.model, draws));
    made.set(name, known);
    return known;
  };
  try {
    const bySet: FeatureTable[][] = [];
    for (const name of [sets.in, ...sets.out]) {
      const data =
        name === sets.in
          ? withoutFirst(whole, reference)
          : await dataset(name, 'test', images === undefined ? {} : { limit: images });
      bySet.push(
        await tablesOfSet(loaded, data, wanted, featureNamed, {
          ...options,
          about: `${reference} ${about}`,
        }),
      );
    }
    return batchSizes.map((_, b) =>
      [sets.in, ...sets.out].map((name, s) => ({ name, table: bySet[s]?.[b] as FeatureTable })),
    );
  } finally {
    for (const feature of made.values()) (feature as { dispose?: () => void }).dispose?.();
  }
}

function withSquaredNorm(features: readonly FeatureChoice[]): FeatureChoice[] {
  const unique = [...new Set<FeatureChoice>(['squared-norm', ...features])];
  for (const feature of unique)
    if (typeof feature === 'string') assertKnown('feature', feature, FEATURE_NAMES);
  const names = unique.map(nameOf);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new FisherlabError(
      `two features are called '${twice}'`,
      'give your own feature a name of its own',
    );
  return unique;
}

async function tablesOfSet(
  loaded: LoadedModel,
  data: Dataset,
  features: readonly FeatureChoice[],
  featureNamed: (name: string) => Promise<Feature>,
  {
    batchSizes,
    seed,
    progress,
    about,
    cache = CACHE_FOLDER,
  }: TrialTableOptions & { about: string },
): Promise<FeatureTable[]> {
  const images = sha256(data.images);
  const keys = features.map((feature) =>
    batchSizes.map(
      (batchSize): CacheKey => ({
        model: loaded.checksum,
        images,
        batchSize,
        seed,
        feature: nameOf(feature),
        reference: about,
        backend: tf.getBackend(),
      }),
    ),
  );
  const kept = await Promise.all(
    features.map((feature, f) =>
      Promise.all((keys[f] as CacheKey[]).map((key) => recall(feature, key, cache))),
    ),
  );
  const missing = features.filter((_, f) => kept[f]?.some((table) => table === undefined));
  const found = new Map(features.map((feature, f) => [feature, kept[f] as FeatureTable[]]));
  if (missing.length > 0) {
    const ofLayers: { feature: FeatureChoice; made: Feature }[] = [];
    for (const feature of missing)
      if (typeof feature !== 'string') ofLayers.push({ feature, made: feature });
      else if (feature in OF_LAYERS) ofLayers.push({ feature, made: await featureNamed(feature) });
    for (const { feature, made } of ofLayers)
      if (typeof feature !== 'string') check(loaded.model, data, made, seed);
    if (ofLayers.length > 0) {
      const tables = await extractTables(loaded.model, data, {
        batchSizes,
        seed,
        features: ofLayers.map(({ made }) => made),
        progress: (done) => progress?.(data.name, done, data.count),
      });
      for (const { feature } of ofLayers)
        found.set(
          feature,
          tables.map((table) => only(table, nameOf(feature))),
        );
    }
    for (const feature of missing)
      if (typeof feature === 'string' && feature in OF_IMAGES)
        found.set(feature, imageTables(loaded.model, data, feature, batchSizes, seed));
    for (const feature of missing)
      await Promise.all(
        batchSizes.map((_, b) =>
          keep(
            feature,
            keys[features.indexOf(feature)]?.[b] as CacheKey,
            found.get(feature)?.[b] as FeatureTable,
            cache,
          ),
        ),
      );
  }
  return batchSizes.map((_, b) => {
    const tables = features.map((feature) => found.get(feature)?.[b] as FeatureTable);
    const [first] = tables as [FeatureTable, ...FeatureTable[]];
    return {
      ...first,
      columns: [
        ...first.columns.filter(({ feature }) => feature === 'log-likelihood'),
        ...tables.flatMap(({ columns }) =>
          columns.filter(({ feature }) => feature !== 'log-likelihood'),
        ),
      ],
    };
  });
}

async function recall(
  feature: FeatureChoice,
  key: CacheKey,
  folder: string,
): Promise<FeatureTable | undefined> {
  return typeof feature === 'string'
    ? readTable(tablePath(folder, key))
    : own.get(feature)?.get(JSON.stringify(key));
}

async function keep(
  feature: FeatureChoice,
  key: CacheKey,
  table: FeatureTable,
  folder: string,
): Promise<void> {
  if (typeof feature === 'string') return writeTable(tablePath(folder, key), table, key);
  const tables = own.get(feature) ?? new Map<string, FeatureTable>();
  own.set(feature, tables.set(JSON.stringify(key), table));
}

/** A dozen images decide whether a feature of one's own is worth the pass. */
function check(model: Model, data: Dataset, feature: Feature, seed: number): void {
  if (checked.has(feature)) return;
  const indices = Array.from({ length: Math.min(12, data.count - (data.count % 2)) }, (_, i) => i);
  const [images, noise] = [pixels(data, indices), model.noise(indices, seed)];
  try {
    for (const B of [1, 2].filter(
      (size) => indices.length >= 2 * size && indices.length % size === 0,
    ))
      checkFeature(model, feature, images, noise, B, seed);
    checked.add(feature);
  } finally {
    tf.dispose([images, noise]);
  }
}

function imageTables(
  model: Model,
  data: Dataset,
  feature: string,
  batchSizes: readonly number[],
  seed: number,
): FeatureTable[] {
  const values = new Float64Array(data.count);
  for (let start = 0; start < data.count; start += 60) {
    const indices = Array.from({ length: Math.min(60, data.count - start) }, (_, k) => start + k);
    const [images, noise] = [pixels(data, indices), model.noise(indices, seed)];
    values.set((OF_IMAGES[feature] as (typeof OF_IMAGES)[string])(model, images, noise), start);
    tf.dispose([images, noise]);
  }
  return batchSizes.map((B) => {
    const rows = Math.floor(data.count / B);
    const sums = Float64Array.from({ length: rows }, (_, r) =>
      values.subarray(r * B, (r + 1) * B).reduce((a, b) => a + b, 0),
    );
    return { rows, batchSize: B, columns: [{ feature, values: sums }] };
  });
}

/** One of the two parts of a flow's log-likelihood, in nats: [N]. */
function part(
  model: Model,
  which: 'logDet' | 'prior',
  images: Tensor,
  noise: Tensor,
): Float32Array {
  const flow = model as Model & {
    parts?: (images: Tensor, noise: Tensor) => { logDet: Tensor; prior: Tensor };
  };
  if (flow.parts === undefined)
    throw new FisherlabError(
      `a ${model.family} model has no log-determinant`,
      'leave out log-determinant and log-prior',
    );
  const { logDet, prior } = flow.parts(images, noise);
  const values = (which === 'logDet' ? logDet : prior).dataSync() as Float32Array;
  tf.dispose([logDet, prior]);
  return values;
}

/**
 * The log-likelihood and one feature of a table; a feature of k numbers a layer has k columns,
 * `name[0]`, `name[1]`, …
 */
function only(table: FeatureTable, name: string): FeatureTable {
  return {
    ...table,
    columns: table.columns.filter(
      ({ feature }) =>
        feature === 'log-likelihood' || feature === name || isComponent(feature, name),
    ),
  };
}

const isComponent = (feature: string, name: string) =>
  feature.startsWith(`${name}[`) && /^\d+\]$/.test(feature.slice(name.length + 1));
const nameOf = (feature: FeatureChoice) => (typeof feature === 'string' ? feature : feature.name);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const imageSize = (data: Dataset) => data.images.length / data.count;

function withoutFirst(data: Dataset, n: number): Dataset {
  return {
    ...data,
    images: data.images.subarray(n * imageSize(data)),
    count: data.count - n,
    ...(data.labels === undefined ? {} : { labels: data.labels.subarray(n) }),
  };
}
