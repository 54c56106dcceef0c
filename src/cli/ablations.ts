/**
 * # `fisherlab experiment ablations`, `ladder`: what the numbers hang on
 *
 *     fisherlab experiment ablations glow-cifar10        layers, batch size, fit set, draws of the noise, and of a diffusion model the timestep
 *     fisherlab experiment ladder                        trains Glows of several sizes and lengths (half an hour), and compares them
 *
 * Numbers go to `data/results/ablations-<model>.json` and `ablations-ladder.json`, figures to
 * `out/figures`. Stopped at any moment, the same command goes on where it was: tables are kept,
 * trainings are resumed.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { inCheckout, startBackend, writeJson } from '../backend/index';
import { dataset } from '../data/index';
import {
  type AblationPoint,
  ablationFigure,
  ablations,
  assertPair,
  LADDER,
  type Ladder,
  PAPER_BATCH_SIZE,
  paperTimesteps,
  rungResults,
  rungs,
  type Size,
  setsFor,
} from '../experiments/index';
import { disposeModel, loadModel } from '../models/index';
import { saveFigure } from '../plots/index';
import { barForEachStep } from '../terminal/index';
import { run } from '../training/index';
import { wholeNumber } from './options';
import { runOf } from './train';

const LAYERWISE = 'layer-wise gradients';
const RESULTS = inCheckout('data', 'results');

interface Flags {
  images: string;
  seed: string;
  out: string;
}

/** Adds the commands to `fisherlab experiment`. */
export function registerAblations(experiment: Command): void {
  const withOptions = (command: Command) =>
    command
      .option('--images <n>', 'images of each set', '1000')
      .option('--seed <n>', 'seed of noise and bootstrap', '1')
      .option('--out <folder>', 'where the numbers go', path.relative('.', RESULTS));
  withOptions(
    experiment
      .command('ablations')
      .description('number of layers, batch size, size of the fit set, noise draws, timestep')
      .argument('<model>', 'a shipped model or a checkpoint'),
  ).action(ablate);
  withOptions(
    experiment.command('ladder').description('size of the model and length of its training'),
  ).action(climb);
}

async function ablate(name: string, flags: Flags): Promise<void> {
  const seed = wholeNumber('--seed', flags.seed, 0);
  const images = wholeNumber('--images', flags.images);
  await startBackend();
  const loaded = loadModel(name);
  try {
    const bar = barForEachStep();
    const results = await ablations(
      loaded,
      setsHere(`model '${loaded.name}'`, loaded.header.data.name),
      {
        seed,
        images,
        progress: (set, done, total) => bar.step(`gradient norms of ${set}`, done, total),
      },
    );
    bar.done();
    const stem = `ablations-${loaded.name}`;
    await writeNumbers(flags.out, stem, results);
    const { layers, batchSizes, fitSizes, noiseDraws, timesteps } = results;
    const beside = (B: number) => (B === PAPER_BATCH_SIZE ? paperTimesteps(LAYERWISE) : []);
    await saveFigures(stem, [
      ['layers-1', layers, { batchSize: 1, title: 'Number of layers, B = 1', x: 'layers' }],
      ['layers-5', layers, { batchSize: 5, title: 'Number of layers, B = 5', x: 'layers' }],
      ['batch-size', batchSizes, { title: 'Batch size', x: 'B' }],
      ['fit-set', fitSizes, { batchSize: 1, title: 'Fit set, B = 1', x: 'batches that fit' }],
      ['noise', noiseDraws, { batchSize: 1, title: 'Draws of the noise, B = 1', x: 'draws' }],
      ...[1, 5].map((batchSize): FigureOf => {
        const points = timesteps.length === 0 ? [] : [...timesteps, ...beside(batchSize)];
        return [
          `timestep-${batchSize}`,
          points,
          { batchSize, title: `Timestep, B = ${batchSize}`, x: 'T' },
        ];
      }),
    ]);
  } finally {
    disposeModel(loaded.model);
  }
}

/** Trains the ladder's models, where that is not done yet, and compares them. */
async function climb(flags: Flags): Promise<void> {
  const seed = wholeNumber('--seed', flags.seed, 0);
  const images = wholeNumber('--images', flags.images);
  const sets = setsHere('the ladder', LADDER.data);
  await startBackend();
  const data = await Promise.all(sets.map((name) => dataset(name, 'test', { limit: images })));
  const bar = barForEachStep();
  const found: { rung: Ladder['rungs'][number]; at: (x: number) => AblationPoint[] }[] = [];
  for (const { steps, ...size } of rungs()) {
    const name = `glow-K${size.K}-h${size.hidden}-${steps}`;
    const file = await trained(name, size, steps, seed, (done) =>
      bar.step(`training ${name}`, done, steps),
    );
    const loaded = loadModel(file);
    try {
      const progress = (set: string, done: number, total: number) =>
        bar.step(`${name}: gradient norms of ${set}`, done, total);
      found.push(await rungResults(loaded, data, size, { seed, progress }));
    } finally {
      disposeModel(loaded.model);
    }
  }
  bar.done();
  const largest = Math.max(...found.map(({ rung }) => rung.parameters));
  const results: Ladder = {
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
  await writeNumbers(flags.out, 'ablations-ladder', results);
  await saveFigures(
    'ablations-ladder',
    [1, 5].flatMap((batchSize): FigureOf[] => [
      [
        `size-${batchSize}`,
        results.sizes,
        { batchSize, title: `Size of the model, B = ${batchSize}`, x: 'parameters' },
      ],
      [
        `length-${batchSize}`,
        results.lengths,
        { batchSize, title: `Length of training, B = ${batchSize}`, x: 'steps' },
      ],
    ]),
  );
}

/** The checkpoint of a rung, trained or gone on with where it is not there yet. */
async function trained(
  name: string,
  size: Size,
  steps: number,
  seed: number,
  progress: (step: number) => void,
): Promise<string> {
  const folder = inCheckout('out', 'training', 'ladder', name);
  const file = path.join(folder, 'model.safetensors');
  if (existsSync(file)) return file;
  const { preset: _, ...config } = runOf('glow', LADDER.data, { steps, seed });
  const model = { ...config.model, ...size };
  await run(folder, { ...config, model }, true, {
    progress: ({ step }) => progress(step),
  });
  return file;
}

/** The sets that are here of those to try, the model's own first. */
function setsHere(what: string, own: string): string[] {
  const { sets, missing } = setsFor(own);
  assertPair(what, sets, missing);
  if (missing.length > 0) console.log(`not on this machine: ${missing.join(', ')}`);
  return sets;
}

type FigureOf = readonly [
  string,
  readonly AblationPoint[],
  { batchSize?: number; title: string; x: string },
];

async function saveFigures(stem: string, figures: readonly FigureOf[]): Promise<void> {
  for (const [name, points, options] of figures.filter((figure) => figure[1].length > 0))
    await saveFigure(
      ablationFigure(points, { method: LAYERWISE, ...options }),
      inCheckout('out', 'figures', `${stem}-${name}.svg`),
    );
  console.log('figures: out/figures');
}

async function writeNumbers(folder: string, stem: string, value: unknown): Promise<void> {
  const file = path.join(folder, `${stem}.json`);
  await writeJson(file, value);
  console.log(`numbers: ${file}`);
}
