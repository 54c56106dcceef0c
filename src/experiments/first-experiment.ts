/**
 * # An experiment: a model, its own test set, and others
 *
 * Computes the feature tables of one model for its own test set and for sets that it never saw, for
 * each batch size, and the results of every method on them.
 */
import { writeBeside } from '../backend/index';
import { type Dataset, dataset } from '../data/index';
import type { FeatureTable, NamedTable } from '../detectors/index';
import { type ResultRow, resultRows } from '../evaluation/index';
import { type TableOptions, tablesOf } from '../features/index';
import { disposeModel, type LoadedModel, loadModel } from '../models/index';
import type { Estimate } from '../numerics/index';
import { FIRST_RESULTS, LAST_START, readResultsFile } from './results-file';
import { FIRST } from './results-schemas';

export interface ExperimentOptions extends TableOptions {
  /** The first images of each set; by default all. */
  readonly limit?: number;
  /** Called with each set before its features are computed. */
  readonly begins?: (data: Dataset) => void;
}

/** The detectors of the paper's main comparison. */
export const MAIN_METHODS = ['likelihood', 'typicality', 'layer-wise gradients'] as const;

/**
 * The first experiment, which `npm start` runs: a Glow of Fashion-MNIST, its own test set, and four
 * others it never saw.
 */
export const FIRST_EXPERIMENT = {
  model: 'glow-fashion_mnist',
  sets: ['fashion_mnist', 'mnist', 'kmnist', 'emnist_letters', 'omniglot'],
  batchSizes: [1, 5],
  seed: 1,
  /** Images of each set with `FISHERLAB_QUICK=1`; otherwise all are used. */
  quickImages: 200,
} as const;

/**
 * How many images of each set notebooks and `npm start` use: all (undefined), or few if
 * `FISHERLAB_QUICK` is set.
 */
export function imageLimit(): number | undefined {
  return process.env.FISHERLAB_QUICK ? FIRST_EXPERIMENT.quickImages : undefined;
}

/**
 * The model of the first experiment and its tables, `tables[b][s]` of batch size b (1, then 5) and
 * set s (its own first).
 */
export async function firstExperiment(
  progress?: ExperimentOptions['progress'],
  begins?: ExperimentOptions['begins'],
  signal?: AbortSignal,
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
    ...(signal === undefined ? {} : { signal }),
  });
  return { loaded, tables };
}

/**
 * The test sets of an experiment with their tables: `tables[b][s]` is of batch size b and set s,
 * the model's own set first.
 */
export async function experimentTables(
  loaded: LoadedModel,
  sets: readonly string[],
  options: ExperimentOptions,
): Promise<NamedTable[][]> {
  const bySet: FeatureTable[][] = [];
  for (const name of sets) {
    options.signal?.throwIfAborted();
    const data = await dataset(
      name,
      'test',
      options.limit === undefined ? {} : { limit: options.limit },
    );
    options.begins?.(data);
    bySet.push(await tablesOf(loaded, data, options));
  }
  return options.batchSizes.map((_, b) =>
    sets.map((name, s) => ({ name, table: bySet[s]?.[b] as FeatureTable })),
  );
}

/**
 * The results of every method for every batch size and every set except the first, which is the
 * model's own.
 */
export function experimentRows(
  loaded: LoadedModel,
  tables: readonly NamedTable[][],
  methods: readonly string[],
  seed: number,
): ResultRow[] {
  return tables.flatMap(([inside, ...outside]) =>
    resultRows(loaded.name, inside as NamedTable, outside, methods, seed),
  );
}

/** A row with the AUROC as plain numbers, for other programs. */
export interface FlatRow extends Omit<ResultRow, 'auroc'> {
  readonly auroc: number;
  /** The ends of the AUROC's 95 % interval. */
  readonly low: number;
  readonly high: number;
  readonly aupr: Estimate;
  readonly fpr95: Estimate;
}

/** What `npm start` writes. A higher score means more out of distribution. */
export interface FirstResults {
  /** The backend that computed the features. */
  readonly backend: string;
  /** How long the whole run took. */
  readonly seconds: number;
  readonly rows: readonly FlatRow[];
}

export function firstResults(
  backend: string,
  seconds: number,
  rows: readonly ResultRow[],
): FirstResults {
  return {
    backend,
    seconds,
    rows: rows.map(({ auroc, ...row }) => ({
      ...row,
      auroc: auroc.value,
      low: auroc.low,
      high: auroc.high,
    })),
  };
}

/**
 * Runs the first experiment with the paper's methods and keeps its numbers in `out/results.json`.
 * @param backend the name of the backend that runs
 */
export async function runFirstExperiment(
  backend: string,
  events: Pick<ExperimentOptions, 'progress' | 'begins'> & { readonly signal?: AbortSignal } = {},
): Promise<ResultRow[]> {
  const began = Date.now();
  const { loaded, tables } = await firstExperiment(events.progress, events.begins, events.signal);
  try {
    const rows = experimentRows(loaded, tables, MAIN_METHODS, FIRST_EXPERIMENT.seed);
    const seconds = Math.round((Date.now() - began) / 100) / 10;
    await writeFirstResults(LAST_START, firstResults(backend, seconds, rows));
    return rows;
  } finally {
    disposeModel(loaded.model);
  }
}

/** Copies the results of the last `npm start` to the shipped results. */
export async function keepFirstResults(): Promise<void> {
  await writeFirstResults(FIRST_RESULTS, readFirstResults(LAST_START));
}

/** @throws {FisherlabError} if there is no such file, or it is damaged */
export function readFirstResults(file = FIRST_RESULTS): FirstResults {
  return readResultsFile(file, FIRST, 'npm start');
}

function writeFirstResults(file: string, results: FirstResults): Promise<void> {
  return writeBeside(file, `${JSON.stringify(results, null, 1)}\n`);
}
