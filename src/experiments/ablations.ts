/**
 * # Ablations: what the detector's numbers hang on
 *
 * One thing is varied at a time, everything else as in the tables (the first half of the test set
 * fits, the second is scored against each other set), on the first `images` of each set, since some
 * need the features many times over:
 *
 * - **layers**: random subsets of the layers, `REPEATS` for each number; the paper's method on
 *   their squared norms alone;
 * - **batch size**: B = 1, 2, 4 … 32 from the same images;
 * - **fit set**: random subsets of the fit half's batches, `REPEATS` for each number;
 * - **noise**: squared norms and log-likelihoods averaged over the first M draws of the noise
 *   (dequantisation, diffusion, latent). Norms are averaged, not gradients: each is of an image as
 *   some draw shows it.
 *
 * - **timestep**, of diffusion models: the same network looking at timestep T = 1, 2, 4 … 512
 *   (index T − 1; the tables use T = 1).
 *
 * `ladder.ts` varies the model itself.
 *
 * Intervals of `batch size`, `timestep` and `noise` are the bootstrap's over images; those of
 * `layers` and `fit set` are the middle 90 % over the random subsets, which is the question there.
 */

import { type Dataset, dataset } from '../data/index';
import { detector, type FeatureTable, type NamedTable } from '../detectors/index';
import {
  auroc,
  halves,
  resamplingSeed,
  rowsOfScores,
  scoreAll,
  scoreSplit,
} from '../evaluation/index';
import { type TableOptions, tablesOf } from '../features/index';
import type { LoadedModel } from '../models/index';
import { can } from '../models/index';
import {
  deriveSeed,
  type Estimate,
  isConstant,
  mean,
  permutation,
  quantileOfSorted,
} from '../numerics/index';
import { MAIN_METHODS } from './first-experiment';
import { ablationsFile, readResultsFile } from './results-file';
import { ABLATIONS } from './results-schemas';

const REPEATS = 20;
const LAYERWISE = 'layer-wise gradients';

/** One number of an ablation. */
export interface AblationPoint {
  readonly out: string;
  readonly batchSize: number;
  readonly method: string;
  /** What was varied: layers, B, batches that fit, draws of the noise. */
  readonly x: number;
  readonly auroc: Estimate;
}

export interface Ablations {
  readonly model: string;
  readonly in: string;
  readonly seed: number;
  readonly sets: readonly { readonly name: string; readonly images: number }[];
  readonly layers: readonly AblationPoint[];
  readonly batchSizes: readonly AblationPoint[];
  readonly fitSizes: readonly AblationPoint[];
  readonly noiseDraws: readonly AblationPoint[];
  /** Of diffusion models; x is T. */
  readonly timesteps: readonly AblationPoint[];
}

export interface AblationOptions extends Pick<TableOptions, 'seed' | 'cache' | 'progress'> {
  /** Images of each set; all where left out. */
  readonly images?: number;
  /** B of the ablations of layers, fit set and noise. */
  readonly batchSizes?: readonly number[];
  /** The batch sizes to compare. */
  readonly sizes?: readonly number[];
  /** Numbers of noise draws. */
  readonly draws?: readonly number[];
  /** Stops the work before the next set. */
  readonly signal?: AbortSignal;
}

/**
 * The ablations of a shipped model, where they were made.
 * @throws {FisherlabError} if there are none, or their file is damaged
 */
export function shippedAblations(model: string): Ablations {
  const command = `fisherlab experiment ablations ${model}`;
  return readResultsFile(ablationsFile(model), ABLATIONS, command);
}

/** All of them. @param sets its own set first */
export async function ablations(
  loaded: LoadedModel,
  sets: readonly string[],
  options: AblationOptions,
): Promise<Ablations> {
  const {
    seed,
    images,
    batchSizes = [1, 5],
    sizes = [1, 2, 4, 8, 16, 32],
    draws = [1, 2, 4, 8],
  } = options;
  const data = await Promise.all(
    sets.map((name) => dataset(name, 'test', images === undefined ? {} : { limit: images })),
  );
  // Ten batches must fit: of three, a deviation says nothing.
  const possible = sizes.filter((B) => data.every(({ count }) => count >= 20 * B));
  const first = await allTables(loaded, data, batchSizes, options);
  const bySize = await allTables(loaded, data, possible, options);
  const byDraw: NamedTable[][][] = [first];
  for (let m = 1; m < Math.max(...draws); m++)
    byDraw.push(
      await allTables(loaded, data, batchSizes, { ...options, seed: deriveSeed(seed, 77, m) }),
    );
  return {
    model: loaded.name,
    in: sets[0] as string,
    seed,
    sets: data.map(({ name, count }) => ({ name, images: count })),
    layers: first.flatMap((tables) => overLayers(tables, seed)),
    batchSizes: bySize.flatMap((tables) =>
      plain(tables, MAIN_METHODS, tables[0]?.table.batchSize ?? 0, seed),
    ),
    fitSizes: first.flatMap((tables) => overFitSizes(tables, seed)),
    noiseDraws: draws.flatMap((count) =>
      batchSizes.flatMap((_, b) => {
        const tables = sets.map(
          (name, s): NamedTable => ({
            name,
            table: averaged(
              byDraw.slice(0, count).map((ofDraw) => ofDraw[b]?.[s]?.table as FeatureTable),
            ),
          }),
        );
        return plain(tables, MAIN_METHODS, count, seed);
      }),
    ),
    timesteps: await overTimesteps(loaded, data, batchSizes, options),
  };
}

/** A diffusion model at each of its timesteps; none of another family. */
async function overTimesteps(
  loaded: LoadedModel,
  data: readonly Dataset[],
  batchSizes: readonly number[],
  options: AblationOptions,
): Promise<AblationPoint[]> {
  const { model, checksum } = loaded;
  if (!can(model, 'atTimestep')) return [];
  const points: AblationPoint[] = [];
  for (let T = 1; T <= Math.min(512, model.timesteps); T *= 2) {
    // The same layers: nothing to free. The checkpoint's own timestep keeps the tables that it has.
    const same = T - 1 === model.timestep;
    const at = same
      ? loaded
      : { ...loaded, model: model.atTimestep(T - 1), checksum: `${checksum} at T=${T}` };
    const tables = await allTables(at, data, batchSizes, options);
    points.push(...tables.flatMap((ofSize) => plain(ofSize, MAIN_METHODS, T, options.seed)));
  }
  return points;
}

/** Tables `[batch size][set]`. */
export async function allTables(
  loaded: LoadedModel,
  data: readonly Dataset[],
  batchSizes: readonly number[],
  { seed, cache, progress, signal }: AblationOptions,
): Promise<NamedTable[][]> {
  const bySet: FeatureTable[][] = [];
  for (const set of data) {
    signal?.throwIfAborted();
    bySet.push(
      await tablesOf(loaded, set, {
        batchSizes,
        seed,
        ...(cache === undefined ? {} : { cache }),
        ...(progress === undefined ? {} : { progress }),
        ...(signal === undefined ? {} : { signal }),
      }),
    );
  }
  return batchSizes.map((_, b) =>
    data.map(({ name }, s) => ({ name, table: bySet[s]?.[b] as FeatureTable })),
  );
}

/** Plain results of some methods as points at x. */
export function plain(
  tables: readonly NamedTable[],
  methods: readonly string[],
  x: number,
  seed: number,
): AblationPoint[] {
  const [inside, ...outside] = tables as [NamedTable, ...NamedTable[]];
  const { batchSize } = inside.table;
  const about = { model: '', in: inside.name, batchSize, seed: resamplingSeed(seed) };
  return rowsOfScores(scoreAll(inside.table, outside, methods, seed), about).map(
    ({ out, method, auroc: estimate }) => ({ out, batchSize, method, x, auroc: estimate }),
  );
}

/** 1, 2, 5, 10, … below `most`, then `most`. */
export function roundNumbers(most: number, least = 1): number[] {
  const numbers = [1, 10, 100, 1000, 10000].flatMap((ten) => [ten, 2 * ten, 5 * ten]);
  return [...numbers.filter((n) => n >= least && n < most), most];
}

/** The paper's method on random subsets of layers. */
export function overLayers(tables: readonly NamedTable[], seed: number): AblationPoint[] {
  const [inside] = tables as [NamedTable, ...NamedTable[]];
  // A layer whose norm is the same for all images tells nothing, and alone nothing can be learnt
  // from it.
  const informative = halves(inside.table).fit.columns.filter(
    ({ feature, values }) => feature === 'squared-norm' && !isConstant(values),
  );
  const layers = informative.map(({ layer }) => layer as string);
  return roundNumbers(layers.length).flatMap((count) =>
    overRepeats(tables, count, count === layers.length ? 1 : REPEATS, LAYERWISE, (repeat) => {
      const order = permutation(layers.length, deriveSeed(seed, 1, count, repeat));
      const chosen = new Set([...order.subarray(0, count)].map((k) => layers[k] as string));
      const of = (table: FeatureTable): FeatureTable => ({
        ...table,
        columns: table.columns.filter(
          ({ feature, layer }) => feature === 'squared-norm' && chosen.has(layer as string),
        ),
      });
      const { fit, score } = halves(of(inside.table));
      return scoreSplit(
        { fit, score },
        tables.slice(1).map(({ name, table }) => ({ name, table: of(table) })),
        LAYERWISE,
        seed,
      );
    }),
  );
}

/** Typicality and the paper's method, fitted on random subsets of the fit half. */
export function overFitSizes(tables: readonly NamedTable[], seed: number): AblationPoint[] {
  const [inside, ...outside] = tables as [NamedTable, ...NamedTable[]];
  const { fit, score } = halves(inside.table);
  return ['typicality', LAYERWISE].flatMap((method) =>
    roundNumbers(fit.rows, 5).flatMap((count) =>
      overRepeats(tables, count, count === fit.rows ? 1 : REPEATS, method, (repeat) => {
        const chosen = permutation(fit.rows, deriveSeed(seed, 2, count, repeat)).subarray(0, count);
        const fitted = detector(method, seed).fit(rowsAt(fit, chosen));
        return {
          in: fitted.score(score),
          out: outside.map(({ name, table }) => ({ name, scores: fitted.score(table) })),
        };
      }),
    ),
  );
}

/** A point for each set out of distribution: mean and middle 90 % of the AUROC over repeats. */
function overRepeats(
  tables: readonly NamedTable[],
  x: number,
  repeats: number,
  method: string,
  scores: (repeat: number) => {
    in: Float64Array;
    out: readonly { name: string; scores: Float64Array }[];
  },
): AblationPoint[] {
  const runs = Array.from({ length: repeats }, (_, repeat) => scores(repeat));
  return tables.slice(1).map(({ name, table }, k) => {
    const values = runs
      .map((run) => auroc(run.in, run.out[k]?.scores as Float64Array))
      .sort((a, b) => a - b);
    return {
      out: name,
      batchSize: table.batchSize,
      method,
      x,
      auroc: {
        value: mean(values),
        low: quantileOfSorted(values, 0.05),
        high: quantileOfSorted(values, 0.95),
      },
    };
  });
}

function rowsAt(table: FeatureTable, rows: Uint32Array): FeatureTable {
  return {
    ...table,
    rows: rows.length,
    columns: table.columns.map((column) => ({
      ...column,
      values: Float64Array.from(rows, (row) => column.values[row] as number),
    })),
  };
}

/** The mean of tables of the same batches, number by number. */
export function averaged(tables: readonly FeatureTable[]): FeatureTable {
  const [first] = tables as [FeatureTable, ...FeatureTable[]];
  return {
    ...first,
    columns: first.columns.map((column, c) => ({
      ...column,
      values: column.values.map((_, row) =>
        mean(tables.map((table) => table.columns[c]?.values[row] as number)),
      ),
    })),
  };
}
