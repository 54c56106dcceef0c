/**
 * # Usual images
 *
 * A verdict is a comparison with usual images. These are the test images of the set that a model
 * was trained on (for your own folder, the images that training did not see), those of another set,
 * or your own images. Each image is a row of means over as many draws of noise as the scored images
 * have (`detectors/several-draws.ts`).
 *
 * For shipped models, `data/usual` may have such a table of the first 1,000 test images of their
 * own set. Then nothing has to be computed, and sets whose images may not be redistributed (SVHN,
 * CelebA, Tiny-ImageNet) are not needed. `fisherlab update` makes a table again if weights, draws
 * or the program's numbers have changed. Features f of layers are stored with 8 significant bits.
 * The rounding error of at most 0.2 % in f is 0.002 in log f, which is small against the standard
 * deviation of log f over images, 0.1 or more.
 */
import { existsSync } from 'node:fs';
import { inCheckout } from '../backend/index';
import {
  type ArrayReading,
  dataset,
  type Images,
  imageSet,
  isSetName,
  type OwnOptions,
  ownImages,
} from '../data/index';
import { type FeatureTable, meanOverDraws } from '../detectors/index';
import { FisherlabError } from '../errors';
import {
  byPixels,
  featureTables,
  NUMBERS,
  TableFile,
  type TableOptions,
  writeTableFile,
} from '../features/index';
import { disposeModel, drawsOf, type LoadedModel, loadModel } from '../models/index';

/** The default number of usual images, which is also the number shipped as tables. */
const SHIPPED = 1000;
/** The seed of their noise. */
const SEED = 1;
/** The columns that are shipped. */
const FEATURES = ['log-likelihood', 'squared-norm'];

export interface Usual {
  /** The name of the set, or of your own images. */
  readonly name: string;
  /** One line for people: where they come from. */
  readonly source: string;
  /** One row per image. */
  readonly table: FeatureTable;
}

export interface UsualOptions extends Pick<TableOptions, 'progress' | 'signal'> {
  /** A data set, or paths; by default the set that the model was trained on. */
  readonly in?: readonly string[];
  /**
   * The number of first images of a set; by default all, or the first 1,000 of the model's own set.
   */
  readonly limit?: number;
  readonly seed: number;
  /** Features besides the log-likelihood and the squared norms. */
  readonly features: readonly string[];
  /** How to read your own images. */
  readonly reading: OwnOptions;
}

/**
 * The table of usual images of a model.
 * @throws {FisherlabError} if a set is not on this machine, if its images do not fit the model, or
 *   if images cannot be read
 */
export async function usualImages(loaded: LoadedModel, options: UsualOptions): Promise<Usual> {
  const { in: words = [loaded.header.data.name], limit, seed, features } = options;
  const isOwnSet = words.length === 1 && words[0] === loaded.header.data.name;
  if (isOwnSet && limit === undefined && features.every((name) => FEATURES.includes(name))) {
    const shipped = await shippedTable(loaded);
    if (shipped !== undefined) return shipped;
  }
  const { images, source } = await imagesOf(loaded, options);
  if (images.shape.join() !== loaded.model.imageShape.join())
    throw new FisherlabError(
      `'${images.name}' has images of ${images.shape.join('x')} and the model '${loaded.name}' takes ${loaded.model.imageShape.join('x')}`,
      'choose a set whose images fit the model, or give a folder of images',
    );
  const rows = await drawnRows(loaded, images, { ...options, seed, features });
  return { name: images.name, source, table: meanOverDraws(rows, drawsOf(loaded.model)) };
}

/** Rows of single images, with one row for each of the draws of the model's family. */
export async function drawnRows(
  loaded: LoadedModel,
  images: Images,
  {
    seed,
    features,
    progress,
    signal,
  }: Pick<UsualOptions, 'seed' | 'features' | 'progress' | 'signal'>,
): Promise<FeatureTable> {
  const [[table] = []] = await featureTables(loaded, [images], {
    batchSizes: [1],
    seed,
    features,
    noiseIndices: byPixels(drawsOf(loaded.model)),
    ...(progress === undefined ? {} : { progress }),
    ...(signal === undefined ? {} : { signal }),
  });
  return table as FeatureTable;
}

async function imagesOf(
  { header }: LoadedModel,
  { in: words, limit, reading }: UsualOptions,
): Promise<{ images: Images; source: string }> {
  if (words === undefined) {
    const { name, reading } = header.data as { name: string; reading?: ArrayReading };
    const images = await imageSet(name, 'test', { limit: limit ?? SHIPPED, reading });
    return { images, source: images.source };
  }
  const [first = ''] = words;
  // A single word without a path separator is taken as the name of a set, possibly a wrong one.
  if (words.length === 1 && (isSetName(first) || !/[/\\.]/.test(first))) {
    const images = await dataset(first, 'test', limit === undefined ? {} : { limit });
    return { images, source: images.source };
  }
  if (limit !== undefined)
    throw new FisherlabError('--limit is for data sets', 'give paths of fewer images');
  const { images, leftOut } = await ownImages(words, reading);
  const without = leftOut.length > 0 ? `, ${leftOut.length} left out` : '';
  return { images, source: `${images.name}: ${images.count} images of your own${without}` };
}

/** The file of a shipped model's usual images. */
const fileOf = (model: string) => inCheckout('data', 'usual', `${model}.parquet`);

/** Everything a shipped table depends on. */
const originOf = (loaded: LoadedModel) => ({
  numbers: NUMBERS,
  model: { name: loaded.name, checksum: loaded.checksum },
  images: { set: loaded.header.data.name, split: 'test', first: SHIPPED },
  seed: SEED,
  draws: drawsOf(loaded.model),
});

/** The shipped table for exactly this model; undefined if there is none. */
async function shippedTable(loaded: LoadedModel): Promise<Usual | undefined> {
  const path = fileOf(loaded.name);
  if (!existsSync(path)) return undefined;
  const file = await TableFile.open(path);
  if (JSON.stringify(file.origin) !== JSON.stringify(originOf(loaded))) return undefined;
  const { name } = loaded.header.data;
  return {
    name,
    source: `${name} test: the first ${file.rows} images, as shipped numbers`,
    table: await file.whole(),
  };
}

/**
 * Makes the shipped tables that are missing or belong to other weights.
 * @throws {FisherlabError} if a required set is not on this machine
 */
export async function keepUsualImages(
  models: readonly string[],
  options: Pick<UsualOptions, 'progress' | 'signal'>,
): Promise<void> {
  for (const name of models) {
    const loaded = loadModel(name);
    try {
      if ((await shippedTable(loaded)) !== undefined) continue;
      const images = await dataset(loaded.header.data.name, 'test', { limit: SHIPPED });
      const rows = await drawnRows(loaded, images, { ...options, seed: SEED, features: [] });
      const table = withFewBits(meanOverDraws(rows, drawsOf(loaded.model)));
      const numbers = Array.from({ length: table.rows }, (_, k) => k);
      await writeTableFile(fileOf(name), originOf(loaded), [{ images: numbers, table }], 'packed');
    } finally {
      disposeModel(loaded.model);
    }
  }
}

/** Rounds features of layers to 8 significant bits, which compress well. */
function withFewBits(table: FeatureTable): FeatureTable {
  const rounded = (value: number) => {
    if (value === 0) return 0;
    const unit = 2 ** (Math.floor(Math.log2(Math.abs(value))) - 7);
    return Math.round(value / unit) * unit;
  };
  return {
    ...table,
    columns: table.columns.map((column) =>
      column.size === undefined ? column : { ...column, values: column.values.map(rounded) },
    ),
  };
}
