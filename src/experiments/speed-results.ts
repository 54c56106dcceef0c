/**
 * # Times next to PyTorch's
 *
 * `fisherlab bench peers` stores pairs of runs in `data/results/speed.json`, with a row for each
 * family, preset and kind of work, and environment.md shows them. The ratio is PyTorch's time
 * divided by ours in the same pair, given as the range over all pairs.
 */
import { existsSync } from 'node:fs';
import * as v from 'valibot';
import { writeJson } from '../backend/index';
import { markdownTable } from './markdown-table';
import { readResultsFile, SPEED } from './results-file';

/** One kind of work of one model, measured alternately with fisherlab and with PyTorch. */
export interface SpeedRow {
  readonly family: string;
  readonly preset: string;
  readonly kind: string;
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly node: string;
    readonly torch: string;
  };
  readonly pairs: readonly {
    /** Ours. */
    readonly ms_per_image: number;
    /** The share of the matrix rate measured in the same run. */
    readonly share: number;
    /** PyTorch's milliseconds per image by each method: `loop`, `sum`, `vmap-8`, … */
    readonly there: Readonly<Record<string, number>>;
  }[];
}

/** The schema of the file. */
export const SPEED_ROWS = v.array(
  v.object({
    family: v.string(),
    preset: v.string(),
    kind: v.string(),
    machine: v.object({
      processor: v.string(),
      cores: v.number(),
      node: v.string(),
      torch: v.string(),
    }),
    pairs: v.array(
      v.object({
        ms_per_image: v.number(),
        share: v.number(),
        there: v.record(v.string(), v.number()),
      }),
    ),
  }),
);

/** Stores a row, replacing an earlier one for the same work. */
export async function keepSpeed(row: SpeedRow): Promise<void> {
  const others = shippedSpeed().filter((other) => workOf(other) !== workOf(row));
  await writeJson(
    SPEED,
    [...others, row].sort((a, b) => (workOf(a) < workOf(b) ? -1 : 1)),
  );
}

/**
 * The shipped rows, possibly none.
 * @throws {FisherlabError} if their file is damaged
 */
export function shippedSpeed(): SpeedRow[] {
  if (!existsSync(SPEED)) return [];
  return readResultsFile(SPEED, SPEED_ROWS, 'fisherlab bench peers');
}

const workOf = ({ family, preset, kind }: SpeedRow) => `${family} ${preset} ${kind}`;

/** The generated part of environment.md. */
export function speedParts(rows: readonly SpeedRow[]): Record<string, string> {
  const lines = rows.map((row) => {
    const { family, preset, kind, pairs, machine } = row;
    const over = (method: string) => {
      const ratios = pairs.flatMap(({ ms_per_image, there }) => {
        const times = Object.entries(there).filter(([name]) => name.startsWith(method));
        const best = Math.min(...times.map(([, ms]) => ms));
        return times.length === 0 ? [] : [best / ms_per_image];
      });
      return ratios.length === 0 ? '–' : range(ratios);
    };
    return [
      family,
      preset,
      kind,
      range(pairs.map(({ ms_per_image }) => ms_per_image)),
      range(pairs.map(({ share }) => 100 * share)),
      ...['loop', 'vmap', 'sum'].map(over),
      `${pairs.length}, torch ${machine.torch}, ${machine.cores} cores of ${machine.processor}`,
    ];
  });
  if (lines.length === 0) return { speed: 'No pairs have been kept yet.' };
  const head = ['family', 'preset', 'work', 'ms per image', '% of the matrix rate'];
  const ratios = ['× faster than the loop', 'than `vmap`', 'than the sum'];
  return { speed: markdownTable([...head, ...ratios, 'pairs'], lines) };
}

/** The range from least to largest, with two or three digits. */
function range(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)].map((value) =>
    Number(value.toPrecision(value < 10 ? 2 : 3)),
  );
  return least === most ? `${least}` : `${least} to ${most}`;
}
