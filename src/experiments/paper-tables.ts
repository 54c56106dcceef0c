/**
 * # The paper's tables
 *
 * Every model is tested against every set of its kind that is on this machine, for B ∈ {1, 5} and
 * every method whose columns the model can have. Each AUROC has an interval, and every method is
 * compared with typicality *on the same batches* (`against-typicality.ts`). One model gives one row
 * of the paper's 5x5 tables, its own set against the others. Its results are one JSON file, so
 * models can be added one by one. `summary.ts` puts the rows together.
 *
 * There are two protocols (`protocol.ts`): `halves`, the paper's, and `held-out`, which fits on
 * images held out of training and scores the whole test set. The latter needs the training split.
 */

import { tf } from '../backend/index';
import { dataset, type Images } from '../data/index';
import type { FeatureTable, NamedTable } from '../detectors/index';
import { FisherlabError } from '../errors';
import {
  halves,
  type MethodScores,
  type ResultRow,
  resampledScores,
  resamplingSeed,
  rowsOfResampled,
  type Split,
  scoreSplit,
} from '../evaluation/index';
import {
  featuresOf,
  featureTables,
  isNeeded,
  methodsFor,
  type Reference,
  referenceImages,
} from '../features/index';
import type { LoadedModel } from '../models/index';
import { type AgainstReference, againstReference, REFERENCE_METHOD } from './against-typicality';
import { assertPair, setsFor } from './sets-to-try';

export const PROTOCOLS = ['halves', 'held-out'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** The columns that take longest, and may be left out. */
export const COSTLY = ['diagonal-fisher-norm', 'likelihood-regret', 'score-norm'] as const;

export interface PaperOptions {
  readonly batchSizes: readonly number[];
  readonly seed: number;
  readonly protocol: Protocol;
  /** The first images of each set; by default all. */
  readonly limit?: number;
  /** Columns of `COSTLY` to leave out. */
  readonly skip?: readonly string[];
  /** Sets to use instead of those of the model's kind, its own first. */
  readonly sets?: readonly string[];
  readonly cache?: string;
  /**
   * Called as work is done, with what is done, and how many of how many. Not called for tables read
   * from the cache.
   */
  readonly progress?: (what: string, done: number, total: number) => void;
  /** Stops the work between two passes or methods. */
  readonly signal?: AbortSignal;
}

/** The results of one model, as in a file of `data/results`. */
export interface ModelResults {
  readonly model: string;
  readonly family: string;
  readonly in: string;
  readonly protocol: Protocol;
  readonly checksum: string;
  readonly backend: string;
  readonly seed: number;
  readonly limit: number | null;
  /** Its own set first. */
  readonly sets: readonly {
    readonly name: string;
    readonly images: number;
    readonly source: string;
  }[];
  readonly missingSets: readonly string[];
  /** The number of images that fit the detectors. */
  readonly fitImages: number;
  /** What the diagonal Fisher matrix was estimated from; null if it was left out. */
  readonly diagonalFisherFrom: string | null;
  readonly rows: readonly ResultRow[];
  readonly comparisons: readonly {
    readonly batchSize: number;
    readonly reference: string;
    readonly methods: readonly AgainstReference[];
  }[];
  /** Methods without a result, and why. */
  readonly without: readonly {
    readonly method: string;
    readonly batchSize: number;
    readonly why: string;
  }[];
  readonly seconds: number;
}

/**
 * Computes all results of one model.
 * @throws {FisherlabError} if its own set, any other set, or (held-out protocol) its training
 *   split is not on this machine
 */
export async function modelResults(
  loaded: LoadedModel,
  options: PaperOptions,
): Promise<ModelResults> {
  const began = Date.now();
  const own = loaded.header.data.name;
  const { sets, missing } =
    options.sets === undefined ? setsFor(own) : { sets: options.sets, missing: [] };
  assertPair(`model '${loaded.name}'`, sets, missing);
  const tests = await Promise.all(sets.map((name) => dataset(name, 'test', limited(options))));
  const heldOut =
    options.protocol === 'held-out' ? await heldOutImages(loaded, options.limit) : undefined;
  const { tables, reference } = await allTables(
    loaded,
    heldOut === undefined ? tests : [...tests, heldOut],
    options,
  );

  const rows: ResultRow[] = [];
  const comparisons: { batchSize: number; reference: string; methods: AgainstReference[] }[] = [];
  const without: { method: string; batchSize: number; why: string }[] = [];
  const seed = resamplingSeed(options.seed);
  for (const [b, batchSize] of options.batchSizes.entries()) {
    const named = tests.map(
      ({ name }, s): NamedTable => ({ name, table: tables[s]?.[b] as FeatureTable }),
    );
    const [inside, ...outside] = named as [NamedTable, ...NamedTable[]];
    const split: Split =
      heldOut === undefined
        ? halves(inside.table)
        : { fit: tables[tests.length]?.[b] as FeatureTable, score: inside.table };
    const scored = await scoreMethods(
      split,
      outside,
      options,
      `${loaded.name}: scores of ${batchSize}`,
      without,
    );
    const about = { model: loaded.name, in: own, batchSize, seed };
    const resampled = resampledScores(scored, about);
    rows.push(...rowsOfResampled(scored, resampled, about));
    comparisons.push({
      batchSize,
      reference: REFERENCE_METHOD,
      methods: againstReference(scored, resampled, own),
    });
  }
  return {
    model: loaded.name,
    family: loaded.model.family,
    in: own,
    protocol: options.protocol,
    checksum: loaded.checksum,
    backend: tf.getBackend(),
    seed: options.seed,
    limit: options.limit ?? null,
    sets: tests.map(({ name, count, source }) => ({ name, images: count, source })),
    missingSets: missing,
    fitImages: heldOut?.count ?? Math.round((tests[0]?.count ?? 0) / 2),
    diagonalFisherFrom: reference?.words ?? null,
    rows: rows.map(rounded),
    comparisons,
    without,
    seconds: Math.round((Date.now() - began) / 100) / 10,
  };
}

/** The images held out of training, which are the last of the training split. */
async function heldOutImages({ name, header }: LoadedModel, limit?: number): Promise<Images> {
  const { name: set, images, validation } = header.data;
  const train = await dataset(set, 'train');
  if (validation < 1 || train.count !== images + validation) {
    throw new FisherlabError(
      `the ${validation} images held out of ${images + validation} for '${name}' are not the last of the ${train.count} training images of '${set}' here`,
      'name the data it was trained on in FISHERLAB_DATA, or use the protocol halves',
    );
  }
  const size = train.images.length / train.count;
  const count = Math.min(validation, limit ?? validation);
  return {
    name: `${set} (held out)`,
    shape: train.shape,
    count,
    images: train.images.subarray(images * size, (images + count) * size),
  };
}

/** All columns that some method reads, for every set, `[set][batch size]`. */
async function allTables(
  loaded: LoadedModel,
  sets: readonly Images[],
  options: PaperOptions,
): Promise<{ tables: FeatureTable[][]; reference: Reference | undefined }> {
  const { batchSizes, seed, cache, signal, skip = [] } = options;
  const features = featuresOf(loaded).filter((name) => isNeeded(name) && !skip.includes(name));
  const reference = features.includes('diagonal-fisher-norm')
    ? await referenceImages(loaded.header.data.name, seed, options.limit)
    : undefined;
  const total = sets.reduce((sum, { count }) => sum + count, 0);
  /** The number of images before each set, so that sets read from the cache count as done. */
  const before = new Map(
    sets.map(({ name }, s) => [name, sets.slice(0, s).reduce((sum, { count }) => sum + count, 0)]),
  );
  const tables = await featureTables(loaded, sets, {
    batchSizes,
    seed,
    features,
    ...(reference === undefined ? {} : { reference }),
    ...(cache === undefined ? {} : { cache }),
    ...(signal === undefined ? {} : { signal }),
    progress: (set, images, count, what) => {
      const start = before.get(set);
      const [done, of] = start === undefined ? [images, count] : [start + images, total];
      options.progress?.(`${loaded.name}: ${what}`, done, of);
    },
  });
  return { tables, reference };
}

/**
 * Fits and scores every method whose columns exist. Methods that cannot be scored are added to
 * `without`.
 */
async function scoreMethods(
  split: Split,
  outside: readonly NamedTable[],
  { seed, progress, signal }: PaperOptions,
  what: string,
  without: { method: string; batchSize: number; why: string }[],
): Promise<MethodScores[]> {
  const { methods, without: lacking } = methodsFor(split.score);
  const { batchSize } = split.score;
  without.push(
    ...lacking.map(({ method, lacks }) => ({ method, batchSize, why: `there is no ${lacks}` })),
  );
  const scored: MethodScores[] = [];
  for (const [done, method] of methods.entries()) {
    signal?.throwIfAborted();
    try {
      scored.push(scoreSplit(split, outside, method, seed));
    } catch (error) {
      if (!(error instanceof FisherlabError)) throw error;
      without.push({ method, batchSize, why: error.message });
    }
    progress?.(what, done + 1, methods.length);
    await new Promise(setImmediate);
  }
  return scored;
}

function limited({ limit }: PaperOptions): { limit?: number } {
  return limit === undefined ? {} : { limit };
}

/** Six decimal places are more than any interval needs, and make the files half as long. */
function rounded(row: ResultRow): ResultRow {
  const six = (estimate: ResultRow['auroc']) => ({
    value: Number(estimate.value.toFixed(6)),
    low: Number(estimate.low.toFixed(6)),
    high: Number(estimate.high.toFixed(6)),
  });
  return { ...row, auroc: six(row.auroc), aupr: six(row.aupr), fpr95: six(row.fpr95) };
}
