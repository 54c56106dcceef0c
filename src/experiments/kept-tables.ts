/**
 * # Tables of many models
 *
 * The results of one model are one file (`paper-tables.ts`). A summary is made from all files in a
 * folder, and figures from both. Three sets of tables ship: one for each of the two protocols with
 * all images, and one with fewer images but every method, including those that need much more than
 * one pass per image. Results are recognised by the checksum of the weights, so existing ones are
 * not made again.
 */
import path from 'node:path';
import { writeJson } from '../backend/index';
import { assertKnown, FisherlabError } from '../errors';
import {
  disposeModel,
  isBackground,
  loadModel,
  shippedHeader,
  shippedModels,
} from '../models/index';
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
 * Identifies a set of tables: the protocol, the number of images of each set (null for all), and
 * the folder.
 */
export interface TableSet {
  readonly folder: string;
  readonly protocol: Protocol;
  readonly limit: number | null;
}

/** The shipped sets of tables, and the columns that each leaves out. */
export const KEPT_TABLES: readonly (TableSet & Required<Pick<PaperOptions, 'skip'>>)[] = [
  { folder: RESULTS, protocol: 'halves', limit: null, skip: COSTLY },
  { folder: RESULTS, protocol: 'held-out', limit: null, skip: COSTLY },
  { folder: COSTLY_RESULTS, protocol: 'halves', limit: COSTLY_IMAGES, skip: [] },
];

/**
 * The shipped models that have tables: all except those that only serve as a comparison for others.
 */
export function triedModels(): string[] {
  return shippedModels().filter((name) => !isBackground(shippedHeader(name)));
}

/**
 * The models that have no results in these tables, or results of other weights (`checksums` are by
 * name).
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
  /**
   * Called before a model's tables, with its name, its number (from 0) and the number of models.
   */
  begins?(model: string, k: number, count: number): void;
  /** Called after a model's tables have been written. */
  finished?(results: ModelResults): void;
}

/** A model that could not be tried, and why. */
export interface NotTried {
  readonly model: string;
  readonly why: string;
}

/**
 * Makes the tables of models and their figures, and the summary of all results in the folder. If a
 * model cannot be tried, the others still are; it is returned with the reason.
 * @throws {FisherlabError} if there is no model of a name, or a column to skip is not in `COSTLY`
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

/** @throws {FisherlabError} if models could not be tried, naming them and the reasons */
export function assertAllTried(notTried: readonly NotTried[]): void {
  if (notTried.length === 0) return;
  const reasons = notTried.map(({ model, why }) => `${model}: ${why}`).join('; ');
  throw new FisherlabError(`no results for ${reasons}`, 'the other models are done');
}

/**
 * Writes the summary of all results in a folder and its figures; does nothing if there are none.
 */
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

/** The folder of the figures that belong to the tables in a folder. */
export function figuresFolder(folder: string): string {
  return path.dirname(figureFile(folder, 'any'));
}
