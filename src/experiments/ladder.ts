/**
 * # Ablation: larger models, longer training
 *
 * Does the detector need a good model, or is a small, barely trained one enough? A *ladder* is a
 * series of Glows of one data set that differ only in the number of parameters or in the number of
 * training steps. Everything else is the same: seed, order of the images, learning rate. Each model
 * (a *rung*) goes through the paper's protocol on the same images and noise (`ablations.ts`). The
 * results are its AUROCs and its bits/dim.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { inCheckout } from '../backend/index';
import { type Dataset, dataSet, dataset } from '../data/index';
import { disposeModel, type GlowConfig, type LoadedModel, loadModel } from '../models/index';
import { run, runOf } from '../training/index';
import { type AblationPoint, plain } from './ablation-points';
import { type AblationOptions, allTables } from './ablations';
import { MAIN_METHODS } from './first-experiment';
import { ablationsFile, readResultsFile } from './results-file';
import { LADDER_RESULTS } from './results-schemas';

/** The data set, sizes and training steps of the rungs, in ascending order. */
export const LADDER = {
  data: 'fashion_mnist',
  steps: 1000,
  sizes: [
    { K: 1, hidden: 8 },
    { K: 2, hidden: 16 },
    { K: 4, hidden: 32 },
    { K: 8, hidden: 64 },
  ],
  /** Training steps of the largest model. */
  lengths: [30, 100, 300, 1000],
} as const;

export type Size = Pick<GlowConfig, 'K' | 'hidden'>;

export interface Rung extends Size {
  readonly steps: number;
  readonly parameters: number;
  readonly bitsPerDim: number;
  readonly checksum: string;
}

/** The contents of the ladder's file. */
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

/**
 * The shipped results of the ladder.
 * @throws {FisherlabError} if there is none, or its file is damaged
 */
export function shippedLadder(): Ladder {
  return readResultsFile(ablationsFile('ladder'), LADDER_RESULTS, 'fisherlab experiment ladder');
}

/** The rungs to train: all sizes, then the remaining lengths of the largest. */
export function rungs(): (Size & { steps: number })[] {
  const { sizes, lengths, steps } = LADDER;
  const largest = sizes[sizes.length - 1] as Size;
  return [
    ...sizes.map((size) => ({ ...size, steps })),
    ...lengths.filter((n) => n !== steps).map((n) => ({ ...largest, steps: n })),
  ];
}

/**
 * The results of one trained rung, and its points on both ladders.
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

export interface ClimbOptions {
  readonly seed: number;
  /** Images of each set. */
  readonly images: number;
  readonly progress?: (what: string, done: number, total: number) => void;
  /** Stops the work; a training in progress is saved. */
  readonly signal?: AbortSignal;
}

/**
 * Trains the models of the ladder that are not trained yet, and compares all of them on `sets`
 * (their own first). If it is stopped at any moment, the next call resumes where it was.
 */
export async function climb(
  sets: readonly string[],
  { seed, images, progress, signal }: ClimbOptions,
): Promise<Ladder> {
  const data = await Promise.all(sets.map((name) => dataset(name, 'test', { limit: images })));
  const found: { rung: Rung; at: (x: number) => AblationPoint[] }[] = [];
  for (const { steps, ...size } of rungs()) {
    const name = `glow-K${size.K}-h${size.hidden}-${steps}`;
    const loaded = loadModel(
      await trained(name, size, steps, seed, signal, (done) =>
        progress?.(`training ${name}`, done, steps),
      ),
    );
    try {
      const step = (set: string, done: number, total: number) =>
        progress?.(`${name}: gradient norms of ${set}`, done, total);
      const options = { seed, progress: step, ...(signal === undefined ? {} : { signal }) };
      found.push(await rungResults(loaded, data, size, options));
    } finally {
      disposeModel(loaded.model);
    }
  }
  const largest = Math.max(...found.map(({ rung }) => rung.parameters));
  return {
    data: LADDER.data,
    seed,
    images,
    rungs: found.map(({ rung }) => rung),
    sizes: found
      .filter(({ rung }) => rung.steps === LADDER.steps)
      .flatMap(({ rung, at }) => at(rung.parameters)),
    lengths: found
      .filter(({ rung }) => rung.parameters === largest)
      .sort((a, b) => a.rung.steps - b.rung.steps)
      .flatMap(({ rung, at }) => at(rung.steps)),
  };
}

/** The checkpoint of a rung. If there is none, trains the rung or resumes its training. */
async function trained(
  name: string,
  size: Size,
  steps: number,
  seed: number,
  signal: AbortSignal | undefined,
  progress: (step: number) => void,
): Promise<string> {
  const folder = inCheckout('out', 'training', 'ladder', name);
  const file = path.join(folder, 'model.safetensors');
  if (existsSync(file)) return file;
  const { preset: _, ...config } = runOf('glow', LADDER.data, dataSet(LADDER.data).channels, {
    steps,
    seed,
  });
  const model = { ...config.model, ...size };
  await run(folder, { ...config, model }, true, {
    progress: ({ step }) => progress(step),
    ...(signal === undefined ? {} : { signal }),
  });
  signal?.throwIfAborted();
  return file;
}
