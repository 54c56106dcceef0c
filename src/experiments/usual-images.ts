/**
 * # What is usual
 *
 * A verdict is a comparison with usual images: the test images of the set that a model was trained
 * on (of a folder of one's own, those that training did not see), of another set, or images of
 * one's own. Each is a row of means over as many draws of noise as the images in question have
 * (`detectors/several-draws.ts`).
 *
 * For shipped models such a table of the first 1,000 test images of their own set may be shipped,
 * in `data/usual`: nothing is computed then, and sets that may not be passed on as images (SVHN,
 * CelebA, Tiny-ImageNet) need not be there. `fisherlab update` makes the tables anew where weights,
 * draws or the program's numbers have changed. Features of layers are stored with 8 significant
 * bits, of which an error of at most 0.2 % in f is 0.002 in log f, whose standard deviation over
 * images is 0.1 and more.
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

/** Usual images unless told otherwise, and those that are shipped as numbers. */
const SHIPPED = 1000;
/** Of their noise. */
const SEED = 1;
/** The columns that are shipped. */
const FEATURES = ['log-likelihood', 'squared-norm'];

export interface Usual {
  /** The set, or the images of one's own. */
  readonly name: string;
  /** One line for people: where they come from. */
  readonly source: string;
  /** A row an image. */
  readonly table: FeatureTable;
}

export interface UsualOptions extends Pick<TableOptions, 'progress' | 'signal'> {
  /** A set, or paths; the set that the model was trained on where left out. */
  readonly in?: readonly string[];
  /** The first images of a set; all where left out, of the model's own set the first 1,000. */
  readonly limit?: number;
  readonly seed: number;
  /** Features besides the log-likelihood and the squared norms. */
  readonly features: readonly string[];
  /** How images of one's own are read. */
  readonly reading: OwnOptions;
}

/**
 * The table of usual images of a model.
 * @throws {FisherlabError} if a set is not here, is of another kind than the model, or images
 *   cannot be read
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
      'choose a set of the kind the model was trained on, or give a folder of images',
    );
  const rows = await drawnRows(loaded, images, { ...options, seed, features });
  return { name: images.name, source, table: meanOverDraws(rows, drawsOf(loaded.model)) };
}

/** Rows of single images, as many for each as the model's family has draws. */
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
  // One word without a separator is the name of a set, perhaps a wrong one.
  if (words.length === 1 && (isSetName(first) || !/[/\\.]/.test(first))) {
    const images = await dataset(first, 'test', limit === undefined ? {} : { limit });
    return { images, source: images.source };
  }
  if (limit !== undefined)
    throw new FisherlabError('--limit is for data sets', 'give the paths of fewer images');
  const { images, leftOut } = await ownImages(words, reading);
  const without = leftOut.length > 0 ? `, ${leftOut.length} left out` : '';
  return { images, source: `${images.name}: ${images.count} images of your own${without}` };
}

/** The file of a shipped model's usual images. */
const fileOf = (model: string) => inCheckout('data', 'usual', `${model}.parquet`);

/** What a shipped table was made from, all that changes it. */
const originOf = (loaded: LoadedModel) => ({
  numbers: NUMBERS,
  model: { name: loaded.name, checksum: loaded.checksum },
  images: { set: loaded.header.data.name, split: 'test', first: SHIPPED },
  seed: SEED,
  draws: drawsOf(loaded.model),
});

/** The shipped table of just this model; undefined if there is none. */
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
 * Makes the shipped tables that are missing or of other weights.
 * @throws {FisherlabError} if a set that is needed is not on this machine
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

/** Features of layers rounded to 8 significant bits, which pack well. */
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
