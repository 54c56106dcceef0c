/**
 * # Ablations: what the detector's results depend on
 *
 * One thing is varied at a time. Everything else is as in the tables: the first half of the test
 * set fits, the second half is scored against each other set. Only the first `images` of each set
 * are used, because some ablations compute the features many times:
 *
 * - **layers**: random subsets of the layers, `REPEATS` for each size, with the paper's method on
 *   their squared norms;
 * - **batch size**: B = 1, 2, 4 … 32 from the same images;
 * - **fit set**: random subsets of the batches in the fit half, `REPEATS` for each size;
 * - **noise**: squared norms and log-likelihoods averaged over the first M draws of the noise
 *   (dequantisation, diffusion, latent). The norms are averaged, not the gradients: each norm is
 *   computed from the image with one draw.
 *
 * - **timestep**, for diffusion models: the same network at timestep T = 1, 2, 4 … 512 (index T −
 *   1; the tables use T = 1).
 *
 * `ladder.ts` varies the model itself.
 *
 * The intervals of `batch size`, `timestep` and `noise` come from the bootstrap over images. Those
 * of `layers` and `fit set` are the middle 90 % over the random subsets, because there the question
 * is how much the subset matters.
 */

import { type Dataset, dataset } from '../data/index';
import type { FeatureTable, NamedTable } from '../detectors/index';
import { type TableOptions, tablesOf } from '../features/index';
import type { LoadedModel } from '../models/index';
import { can } from '../models/index';
import { deriveSeed, mean } from '../numerics/index';
import { type AblationPoint, plain } from './ablation-points';
import { MAIN_METHODS } from './first-experiment';
import { overFitSizes, overLayers } from './random-subsets';
import { ablationsFile, readResultsFile } from './results-file';
import { ABLATIONS } from './results-schemas';

export interface Ablations {
  readonly model: string;
  readonly in: string;
  readonly seed: number;
  readonly sets: readonly { readonly name: string; readonly images: number }[];
  readonly layers: readonly AblationPoint[];
  readonly batchSizes: readonly AblationPoint[];
  readonly fitSizes: readonly AblationPoint[];
  readonly noiseDraws: readonly AblationPoint[];
  /** For diffusion models only; x is T. */
  readonly timesteps: readonly AblationPoint[];
}

export interface AblationOptions extends Pick<TableOptions, 'seed' | 'cache' | 'progress'> {
  /** Images of each set; by default all. */
  readonly images?: number;
  /** The batch sizes of the ablations of layers, fit set and noise. */
  readonly batchSizes?: readonly number[];
  /** The batch sizes to compare. */
  readonly sizes?: readonly number[];
  /** The numbers of noise draws to compare. */
  readonly draws?: readonly number[];
  /** Stops the work before the next set. */
  readonly signal?: AbortSignal;
}

/**
 * The stored ablations of a shipped model.
 * @throws {FisherlabError} if there are none, or their file is damaged
 */
export function shippedAblations(model: string): Ablations {
  const command = `fisherlab experiment ablations ${model}`;
  return readResultsFile(ablationsFile(model), ABLATIONS, command);
}

/** Runs all ablations of a model. @param sets its own set first */
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
  // At least ten batches must fit: a deviation estimated from three says nothing.
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

/** A diffusion model at each of its timesteps; no points for other families. */
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
    // It shares its layers with the model, so there is nothing to free. The checkpoint's own
    // timestep uses the tables that are already kept.
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

/** The elementwise mean of tables of the same batches. */
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
