/**
 * # Tables of many models
 *
 * One model's results are one file (`paper-tables.ts`); all files in a folder make its summary, and
 * both their figures. Three sets of tables ship: of either protocol with all images, and one of
 * fewer images with every method, also those that need much more than one pass of every image.
 * Results are recognised by the checksum of the weights, so that what is there is not made again.
 */
import path from 'node:path';
import { writeJson } from '../backend/index';
import { assertKnown, FisherlabError } from '../errors';
import { isBackground } from '../features/index';
import { disposeModel, loadModel, shippedModels } from '../models/index';
import { saveFigure } from '../plots/index';
import { MAIN_METHODS } from './first-experiment';
import {
  COSTLY,
  type ModelResults,
  modelResults,
  type PaperOptions,
  type Protocol,
} from './paper-tables';
import {
  COSTLY_RESULTS,
  figureFile,
  modelResultsFile,
  RESULTS,
  readModelResults,
  summaryFile,
} from './results-file';
import { COSTLY_IMAGES, type Summary, summarise } from './summary';
import { differencesFigure, pairsFigure, tableFigure } from './tables-figures';

/**
 * Which tables: results of a protocol, on the first `limit` images of each set (all: null), in a
 * folder.
 */
export interface TableSet {
  readonly folder: string;
  readonly protocol: Protocol;
  readonly limit: number | null;
}

/** The tables that ship of every model, and the columns that each does without. */
export const KEPT_TABLES: readonly (TableSet & Required<Pick<PaperOptions, 'skip'>>)[] = [
  { folder: RESULTS, protocol: 'halves', limit: null, skip: COSTLY },
  { folder: RESULTS, protocol: 'held-out', limit: null, skip: COSTLY },
  { folder: COSTLY_RESULTS, protocol: 'halves', limit: COSTLY_IMAGES, skip: [] },
];

/** The shipped models that have tables: all but those that others are compared with. */
export function triedModels(): string[] {
  return shippedModels().filter((name) => !isBackground(name));
}

/**
 * The models that do not have their results in these tables, or have those of other weights
 * (checksums by name).
 */
export function withoutResults(
  names: readonly string[],
  checksums: Readonly<Record<string, string>>,
  { folder, protocol, limit }: TableSet,
): string[] {
  const known = readModelResults(folder).filter(
    (result) => result.protocol === protocol && result.limit === limit,
  );
  return names.filter(
    (name) => !known.some(({ model, checksum }) => model === name && checksum === checksums[name]),
  );
}

export interface ModelEvents {
  /** Before a model's tables: its name, which it is (from 0), and of how many. */
  begins?(model: string, k: number, count: number): void;
  /** After a model's tables, when they are on disk. */
  finished?(results: ModelResults): void;
}

/** A model that could not be tried, and why. */
export interface NotTried {
  readonly model: string;
  readonly why: string;
}

/**
 * Makes the tables of models and their figures, and the summary of all results in the folder. A
 * model that cannot be tried does not keep the others from it: it comes back with the reason.
 * @throws {FisherlabError} if a name is not of a model, or a column to skip not one of `COSTLY`
 */
export async function makeTables(
  names: readonly string[],
  folder: string,
  options: PaperOptions,
  events: ModelEvents = {},
): Promise<{ summary: Summary | undefined; notTried: NotTried[] }> {
  for (const column of options.skip ?? []) assertKnown('column to skip', column, COSTLY);
  const notTried: NotTried[] = [];
  for (const [k, name] of names.entries()) {
    options.signal?.throwIfAborted();
    const loaded = loadModel(name);
    try {
      events.begins?.(loaded.name, k, names.length);
      const results = await modelResults(loaded, options);
      await writeJson(modelResultsFile(results, folder), results);
      events.finished?.(results);
      for (const B of options.batchSizes) {
        const figure = pairsFigure(results.rows, MAIN_METHODS, B);
        await saveFigure(figure, figureFile(folder, `${loaded.name}-pairs-${B}`));
      }
    } catch (error) {
      if (!(error instanceof FisherlabError)) throw error;
      notTried.push({ model: loaded.name, why: error.message });
    } finally {
      disposeModel(loaded.model);
    }
  }
  return { summary: await keepSummary(folder), notTried };
}

/** @throws {FisherlabError} naming the models that could not be tried, and why */
export function assertAllTried(notTried: readonly NotTried[]): void {
  if (notTried.length === 0) return;
  const reasons = notTried.map(({ model, why }) => `${model}: ${why}`).join('; ');
  throw new FisherlabError(`no results of ${reasons}`, 'the other models are done');
}

/** Writes the summary of all results in a folder, and its figures; nothing where there are none. */
export async function keepSummary(folder: string): Promise<Summary | undefined> {
  const results = readModelResults(folder);
  if (results.length === 0) return undefined;
  const summary = summarise(results);
  await writeJson(summaryFile(folder), summary);
  for (const family of summary.families) {
    const { family: name, kind, protocol, batchSize, methods } = family;
    const stem = `${name}-${kind}-${protocol}-${batchSize}`;
    for (const method of MAIN_METHODS) {
      await saveFigure(
        tableFigure(family, method),
        figureFile(folder, `${stem}-${method.replace(/\W+/g, '-')}`),
      );
    }
    if (methods.some(({ against }) => against !== undefined))
      await saveFigure(differencesFigure(family), figureFile(folder, `${stem}-differences`));
  }
  return summary;
}

/** Where the figures of the tables in a folder lie. */
export function figuresFolder(folder: string): string {
  return path.dirname(figureFile(folder, 'any'));
}
