/**
 * # The baseline of pixel statistics
 *
 * This baseline needs no model (`features/pixel-statistics.ts`). The joint density of the
 * statistics is fitted on the first half of a test set and scores every other set of its kind, by
 * the same protocol as all tables. A detector should be better than this baseline; otherwise it may
 * only detect how the pictures were made.
 */
import { writeJson } from '../backend/index';
import { dataset } from '../data/index';
import { type ResultRow, resultRows } from '../evaluation/index';
import { pixelTable } from '../features/index';
import { mean } from '../numerics/index';
import { PIXEL_BASELINE, readResultsFile } from './results-file';
import { BASELINE } from './results-schemas';
import { assertPair, COLOUR_SETS, GREY_SETS, setsFor } from './sets-to-try';

/** The name of the detector, also used as the name of the model in its rows. */
const METHOD = 'pixel statistics';

export interface PixelBaseline {
  readonly seed: number;
  /** Every set of a kind against every other, for each batch size. */
  readonly rows: readonly ResultRow[];
}

export interface PixelBaselineOptions {
  readonly batchSizes: readonly number[];
  readonly seed: number;
  /** Called with each in-distribution set, and with how many of how many are done. */
  readonly progress?: (what: string, done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * The baseline on all sets on this machine.
 * @throws {FisherlabError} if there are not two sets of a kind
 */
export async function pixelBaseline({
  batchSizes,
  seed,
  progress,
  signal,
}: PixelBaselineOptions): Promise<PixelBaseline> {
  const kinds = [COLOUR_SETS, GREY_SETS].map((kind: readonly string[]) => {
    const first = kind.find((name) => setsFor(name).sets.length > 0);
    const { sets, missing } =
      first === undefined ? { sets: [], missing: [...kind] } : setsFor(first);
    assertPair('the baseline', sets, missing);
    return sets;
  });
  const total = kinds.flat().length * batchSizes.length;
  const rows: ResultRow[] = [];
  let done = 0;
  for (const sets of kinds) {
    const images = await Promise.all(sets.map((name) => dataset(name, 'test')));
    for (const B of batchSizes) {
      const tables = images.map((data) => ({ name: data.name, table: pixelTable(data, B) }));
      for (const inside of tables) {
        signal?.throwIfAborted();
        const others = tables.filter((table) => table !== inside);
        rows.push(...resultRows(METHOD, inside, others, [METHOD], seed));
        progress?.(METHOD, ++done, total);
        await new Promise(setImmediate);
      }
    }
  }
  return { seed, rows };
}

/** Measures the baseline and stores it in `data/results`. */
export async function keepPixelBaseline(options: PixelBaselineOptions): Promise<PixelBaseline> {
  const found = await pixelBaseline(options);
  await writeJson(PIXEL_BASELINE, found);
  return found;
}

/**
 * The shipped baseline.
 * @throws {FisherlabError} if there is none, or its file is damaged
 */
export function shippedPixelBaseline(): PixelBaseline {
  return readResultsFile(PIXEL_BASELINE, BASELINE, 'fisherlab experiment pixel-statistics');
}

/** Its mean AUROC over pairs with one of `inside` in distribution. */
export function pixelMean(
  { rows }: PixelBaseline,
  inside: readonly string[],
  batchSize: number,
): number {
  return mean(
    rows
      .filter((row) => row.batchSize === batchSize && inside.includes(row.in))
      .map(({ auroc }) => auroc.value),
  );
}
