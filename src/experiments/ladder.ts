/**
 * # Ablation: larger models, longer trainings
 *
 * Does the detector need a good model, or will a small one do that has hardly begun to learn? A
 * *ladder* is a row of Glows of one data set that differ in one thing, the number of parameters or
 * the number of training steps, all else the same: seed, order of the images, learning rate. Each
 * goes through the paper's protocol on the same images and noise (`ablations.ts`); beside the
 * AUROCs stand its bits/dim.
 */
import { inCheckout } from '../backend/index';
import type { Dataset } from '../data/index';
import type { GlowConfig, LoadedModel } from '../models/index';
import { type AblationOptions, type AblationPoint, allTables, plain } from './ablations';
import { MAIN_METHODS } from './first-experiment';
import { readResultsFile } from './results-file';

/** The data set and training steps of the rungs, from the smallest or shortest up. */
export const LADDER = {
  data: 'fashion_mnist',
  steps: 1000,
  sizes: [
    { K: 1, hidden: 8 },
    { K: 2, hidden: 16 },
    { K: 4, hidden: 32 },
    { K: 8, hidden: 64 },
  ],
  /** Of the largest model. */
  lengths: [30, 100, 300, 1000],
} as const;

export type Size = Pick<GlowConfig, 'K' | 'hidden'>;

export interface Rung extends Size {
  readonly steps: number;
  readonly parameters: number;
  readonly bitsPerDim: number;
  readonly checksum: string;
}

/** What `data/results/ablations-ladder.json` holds. */
export interface Ladder {
  readonly data: string;
  readonly seed: number;
  /** Images of each set. */
  readonly images: number;
  readonly rungs: readonly Rung[];
  /** x is the number of parameters. */
  readonly sizes: readonly AblationPoint[];
  /** x is the number of training steps. */
  readonly lengths: readonly AblationPoint[];
}

/** The ladder that was climbed. Errors: there is none. */
export function shippedLadder(): Ladder {
  return readResultsFile(
    inCheckout('data', 'results', 'ablations-ladder.json'),
    'fisherlab experiment ladder',
  ) as Ladder;
}

/** The rungs to train: all sizes, then the lengths of the largest that are not among them. */
export function rungs(): (Size & { steps: number })[] {
  const { sizes, lengths, steps } = LADDER;
  const largest = sizes[sizes.length - 1] as Size;
  return [
    ...sizes.map((size) => ({ ...size, steps })),
    ...lengths.filter((n) => n !== steps).map((n) => ({ ...largest, steps: n })),
  ];
}

/**
 * The numbers of one trained rung, and its points at x for both ladders.
 * @param data its own set first
 */
export async function rungResults(
  loaded: LoadedModel,
  data: readonly Dataset[],
  size: Size,
  options: Omit<AblationOptions, 'images'>,
): Promise<{ rung: Rung; at: (x: number) => AblationPoint[] }> {
  const { header, checksum, model } = loaded;
  const tables = await allTables(loaded, data, options.batchSizes ?? [1, 5], options);
  const parameters = model.layers.reduce((sum, layer) => sum + layer.variable.size, 0);
  return {
    rung: {
      ...size,
      steps: header.step,
      parameters,
      bitsPerDim: header.test ?? Number.NaN,
      checksum,
    },
    at: (x) => tables.flatMap((ofSize) => plain(ofSize, MAIN_METHODS, x, options.seed)),
  };
}
