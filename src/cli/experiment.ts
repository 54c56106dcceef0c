/**
 * # `fisherlab experiment`: tables and ablations
 *
 *     fisherlab experiment paper-tables                        all shipped models and methods
 *     fisherlab experiment paper-tables --models glow-cifar10  some models, and the summary of all
 *     fisherlab experiment paper-tables --protocol held-out    fitted on held-out images
 *     fisherlab experiment paper-tables --limit 100            a trial, written to out/results
 *     fisherlab experiment ablations glow-cifar10              what its results depend on
 *     fisherlab experiment ladder                              Glows of several sizes and lengths
 *     fisherlab experiment models                              bits/dim of every shipped model
 *     fisherlab experiment beyond-pixels                       better than pixel statistics?
 *     fisherlab experiment figure-tables                       numbers the notebooks draw
 *
 * Feature tables are kept in `out/cache` and trainings are resumed, so a run that was stopped
 * resumes where it was. A trial run with `--limit` never changes the files that the notebooks and
 * the README use.
 */
import path from 'node:path';
import { type Command, Option } from 'commander';
import type { experiments } from '../index';
import { stoppable } from './interruption';
import { lab } from './lab';
import { names, wholeNumber, wholeNumbers } from './options';
import { printCards, printModel, printSummary, shown } from './print';

const PROTOCOLS = ['halves', 'held-out'] as const satisfies readonly experiments.Protocol[];

const GO_ON = 'stopped; finished work is kept: run the same command again to resume';

interface TableFlags {
  models?: string[];
  batchSizes: number[];
  protocol: experiments.Protocol;
  skip?: string[];
  limit?: number;
  seed: number;
  out?: string;
}

interface AblationFlags {
  images: number;
  seed: number;
  out?: string;
}

/** Adds `experiment` and its commands to the program. */
export function register(program: Command): void {
  const experiment = program
    .command('experiment')
    .description('compute the tables of the paper, and ablations');
  experiment
    .command('paper-tables')
    .description(
      'every model against every set of its kind; run it again to resume after an interruption',
    )
    .option(
      '--models <names>',
      'models or checkpoints, separated by commas (default: all shipped models)',
      names,
    )
    .option('--batch-sizes <list>', 'batch sizes, separated by commas', wholeNumbers, [1, 5])
    .addOption(
      new Option('--protocol <name>', 'what fits the detectors')
        .choices(PROTOCOLS)
        .default('halves'),
    )
    .option(
      '--skip <columns>',
      'costly columns to leave out: diagonal-fisher-norm, likelihood-regret, score-norm',
      names,
    )
    .option('--limit <n>', 'only the first images of each set, as a trial', wholeNumber())
    .option('--seed <n>', 'seed of the noise and the bootstrap', wholeNumber(0), 1)
    .option(
      '--out <folder>',
      'the folder to write to (default: data/results, or out/results with --limit)',
    )
    .action((flags: TableFlags) => stoppable(GO_ON, (signal) => paperTables(flags, signal)));
  experiment
    .command('models')
    .description('bits/dim of every shipped model on its test images')
    .option('--seed <n>', 'seed of the noise', wholeNumber(0), 1)
    .action(({ seed }: { seed: number }) =>
      stoppable('stopped; the model cards are unchanged', (signal) => cards(seed, signal)),
    );
  experiment
    .command('figure-tables')
    .description('log-likelihoods and norms of a few hundred images, for the notebooks to draw')
    .option('--models <names>', 'models, separated by commas (default: all without tables)', names)
    .action(({ models }: { models?: string[] }) =>
      stoppable(GO_ON, (signal) => figureTables(models, signal)),
    );
  experiment
    .command('pixel-statistics')
    .description('the baseline without a model, on every pair of sets')
    .option('--seed <n>', 'seed of the bootstrap', wholeNumber(0), 1)
    .action(({ seed }: { seed: number }) =>
      stoppable('stopped; nothing is kept', (signal) => pixels(seed, signal)),
    );
  experiment
    .command('beyond-pixels')
    .description('what detectors find beyond pixel statistics, also on controlled sets')
    .option('--seed <n>', 'seed of the noise, the recipes and the bootstrap', wholeNumber(0), 1)
    .action(({ seed }: { seed: number }) => stoppable(GO_ON, (signal) => beyond(seed, signal)));
  const withOptions = (command: Command) =>
    command
      .option('--images <n>', 'images of each set', wholeNumber(), 1000)
      .option('--seed <n>', 'seed of the noise and the bootstrap', wholeNumber(0), 1)
      .option('--out <folder>', 'the folder to write to (default: data/results)');
  withOptions(
    experiment
      .command('ablations')
      .description(
        'vary the number of layers, batch size, size of the fit set, noise draws, timestep',
      )
      .argument('<model>', 'a shipped model or a checkpoint'),
  ).action((model: string, flags: AblationFlags) =>
    stoppable(GO_ON, (signal) => ablate(model, flags, signal)),
  );
  withOptions(
    experiment
      .command('ladder')
      .description('vary the size of the model and the length of its training'),
  ).action((flags: AblationFlags) => stoppable(GO_ON, (signal) => climb(flags, signal)));
}

async function pixels(seed: number, signal: AbortSignal): Promise<void> {
  const { experiments, terminal } = lab();
  const bar = terminal.barForEachStep();
  const found = await experiments
    .keepPixelBaseline({ batchSizes: [1, 5], seed, signal, progress: bar.step })
    .finally(bar.done);
  const lines = found.rows.map(({ in: inside, out, batchSize, auroc }) => ({
    in: inside,
    out,
    B: batchSize,
    AUROC: auroc.value,
  }));
  console.log(terminal.tableText(lines));
}

async function beyond(seed: number, signal: AbortSignal): Promise<void> {
  const { experiments, startBackend, terminal } = lab();
  await startBackend();
  const bar = terminal.barForEachStep();
  const found = await experiments
    .keepBeyondPixels({
      ...experiments.BEYOND_SETS,
      batchSizes: [1, 5],
      seed,
      signal,
      progress: bar.step,
    })
    .finally(bar.done);
  const lines = found.means.map(
    ({ family, view, kind, batchSize, method, auroc, abovePixels }) => ({
      family,
      pairs: kind,
      view,
      B: batchSize,
      method,
      AUROC: auroc.value,
      'above pixel statistics': abovePixels.value,
    }),
  );
  console.log(terminal.tableText(lines));
}

async function paperTables(flags: TableFlags, signal: AbortSignal): Promise<void> {
  const { experiments, FisherlabError, startBackend, terminal } = lab();
  const models = flags.models ?? experiments.triedModels();
  if (models.length === 0)
    throw new FisherlabError(
      'there are no models',
      'train one with fisherlab train, or name a checkpoint with --models',
    );
  const { batchSizes, protocol, limit, seed, skip = [] } = flags;
  const folder = path.resolve(
    flags.out ?? (limit === undefined ? experiments.RESULTS : experiments.TRIAL_RESULTS),
  );
  const backend = await startBackend();
  console.log(
    `${models.length} models, B = ${batchSizes.join(', ')}, protocol ${protocol}, backend ${backend.name}`,
  );
  const bar = terminal.barForEachStep();
  const { summary, notTried } = await experiments
    .makeTables(
      models,
      folder,
      {
        batchSizes,
        seed,
        protocol,
        skip,
        signal,
        progress: bar.step,
        ...(limit === undefined ? {} : { limit }),
      },
      {
        begins: (model, k, count) => console.log(`model ${k + 1} of ${count}: ${model}`),
        finished: (results) => {
          bar.done();
          printModel(results);
        },
      },
    )
    .finally(bar.done);
  if (summary !== undefined) printSummary(folder, summary);
  experiments.assertAllTried(notTried);
}

async function cards(seed: number, signal: AbortSignal): Promise<void> {
  const { experiments, startBackend, terminal } = lab();
  await startBackend();
  const bar = terminal.barForEachStep();
  const progress = (done: number, total: number) => bar.step('models', done, total);
  const made = await experiments.keepCards(seed, { progress, signal }).finally(bar.done);
  printCards(made);
}

async function ablate(
  model: string,
  { images, seed, out }: AblationFlags,
  signal: AbortSignal,
): Promise<void> {
  const { experiments, models, startBackend, terminal } = lab();
  await startBackend();
  const loaded = models.loadModel(model);
  const bar = terminal.barForEachStep();
  try {
    const sets = setsHere(`model '${loaded.name}'`, loaded.header.data.name);
    const progress = (set: string, done: number, total: number) =>
      bar.step(`gradient norms of ${set}`, done, total);
    const options = { images, seed, progress, signal };
    const folder = out ?? experiments.RESULTS;
    const file = await experiments.keepAblations(loaded, sets, folder, options);
    bar.done();
    printPlaces(file);
  } finally {
    bar.done();
    models.disposeModel(loaded.model);
  }
}

/** Trains the models of the ladder that are not trained yet, and compares all of them. */
async function climb({ images, seed, out }: AblationFlags, signal: AbortSignal): Promise<void> {
  const { experiments, startBackend, terminal } = lab();
  const sets = setsHere('the ladder', experiments.LADDER.data);
  await startBackend();
  const bar = terminal.barForEachStep();
  const options = { images, seed, progress: bar.step, signal };
  const file = await experiments
    .keepLadder(sets, out ?? experiments.RESULTS, options)
    .finally(bar.done);
  printPlaces(file);
}

/** The sets to try that are on this machine, the model's own first. */
function setsHere(what: string, own: string): string[] {
  const { assertPair, setsFor } = lab().experiments;
  const { sets, missing } = setsFor(own);
  assertPair(what, sets, missing);
  if (missing.length > 0) console.log(`not on this machine: ${missing.join(', ')}`);
  return sets;
}

function printPlaces(file: string): void {
  const figures = lab().experiments.figuresFolder(path.resolve(path.dirname(file)));
  console.log(`numbers: ${shown(file)}   figures: ${shown(figures)}`);
}

async function figureTables(models: string[] | undefined, signal: AbortSignal): Promise<void> {
  const { experiments, startBackend, terminal } = lab();
  await startBackend();
  const bar = terminal.barForEachStep();
  await experiments
    .writeFigureTables(models ?? experiments.withoutFigureTables(), bar.step, signal)
    .finally(bar.done);
}
