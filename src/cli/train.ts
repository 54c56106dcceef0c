/**
 * # `fisherlab train`: train a model
 *
 * `fisherlab train --model glow --data fashion_mnist --out out/training/glow-fashion_mnist`, and
 * after an interruption of any kind the same again with `--resume`.
 */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { assertKnown, FisherlabError, startBackend } from '../backend/index';
import { DATA_SETS, type DataSetName, dataSet } from '../data/index';
import { backgroundName } from '../features/index';
import { PRESETS, type PresetName, preset } from '../models/index';
import { liveCurve, saveFigure, trainingFigures } from '../plots/index';
import type { TrainingState } from '../training/index';
import { augmentationOf, type RunConfig, run } from '../training/index';
import { wholeNumber } from './options';

interface Options {
  model: string;
  data: string;
  preset: PresetName;
  out?: string;
  steps?: string;
  batch: string;
  learningRate?: string;
  held: string;
  seed: string;
  background?: string;
  clip: string;
  resume?: boolean;
  live?: boolean;
}

/**
 * What each family trains with unless told otherwise, after the paper's code (its epochs would take
 * days here).
 */
const DEFAULTS = {
  glow: {
    method: 'adamax',
    learningRate: 2e-3,
    weightDecay: 5e-5,
    average: 0.999,
    steps: 4000,
    clip: 50,
  },
  diffusion: {
    method: 'adam',
    learningRate: 3e-4,
    weightDecay: 0,
    average: 0.999,
    steps: 4000,
    clip: 1,
  },
  vae: { method: 'adam', learningRate: 3e-4, weightDecay: 0, average: 0, steps: 6000, clip: 0 },
} as const;

const BATCH = 64;
/** Images held out. */
const HELD = 500;

export function register(program: Command): void {
  program
    .command('train')
    .description('train a model; interrupt it at any time and go on with --resume')
    .requiredOption('--model <family>', Object.keys(DEFAULTS).join(', '))
    .requiredOption('--data <set>', 'the data set to train on')
    .addOption(
      new Option('--preset <name>', 'the size of the model').choices(PRESETS).default('small'),
    )
    .option(
      '--out <folder>',
      'where the run lies (default: out/training/<model>-<data>, of a background model <model>-background-<data>)',
    )
    .option('--steps <n>', 'optimiser steps')
    .option('--batch <n>', 'images a step', String(BATCH))
    .option('--learning-rate <x>', 'highest learning rate')
    .option(
      '--clip <x>',
      'largest norm of the gradient, 0 for no clipping (default: the family’s)',
      '',
    )
    .option('--held <n>', 'training images held out', String(HELD))
    .option('--seed <n>', 'seed of everything random', '1')
    .option(
      '--background <share>',
      'train a background model: this share of the values of every image is noise',
    )
    .option('--resume', 'go on with the run in the folder')
    .option('--live', 'show the curve in a browser window')
    .action(trainCommand);
}

/** What a training differs in from its family's defaults. */
interface Choices {
  readonly seed: number;
  readonly preset?: PresetName;
  readonly held?: number;
  readonly batch?: number;
  readonly steps?: number;
  readonly learningRate?: number;
  readonly clip?: number;
  readonly mutate?: number;
}

/** The run of a family on a data set, as `fisherlab train` does it. */
export function runOf(
  family: keyof typeof DEFAULTS,
  data: DataSetName,
  choices: Choices,
): RunConfig {
  const { seed, preset: size = 'small', held = HELD, mutate = 0 } = choices;
  const { method, weightDecay, average, ...defaults } = DEFAULTS[family];
  const {
    batch = BATCH,
    steps = defaults.steps,
    learningRate = defaults.learningRate,
    clip = defaults.clip,
  } = choices;
  return {
    model: preset(family, size, [32, 32, dataSet(data).channels], seed),
    preset: size,
    data,
    held,
    training: {
      method,
      weightDecay,
      average,
      clip,
      batch,
      steps,
      learningRate,
      warmup: Math.min(500, Math.ceil(steps / 8)),
      decay: 0.4,
      augmentation: { ...augmentationOf(data), mutate },
      seed,
      evaluateEvery: Math.max(1, Math.round(steps / 20)),
      initialImages: 512,
    },
    commit: commit(),
  };
}

async function trainCommand(options: Options): Promise<void> {
  assertKnown('model', options.model, Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]);
  assertKnown('data set', options.data, DATA_SETS);
  const { preset: size, seed } = options;
  const mutate = options.background === undefined ? 0 : share('--background', options.background);
  const name =
    mutate > 0 ? backgroundName(options.model, options.data) : `${options.model}-${options.data}`;
  const config = runOf(options.model, options.data, {
    preset: size,
    seed: wholeNumber('--seed', seed, 0),
    held: wholeNumber('--held', options.held),
    batch: wholeNumber('--batch', options.batch),
    mutate,
    ...(options.steps === undefined ? {} : { steps: wholeNumber('--steps', options.steps) }),
    ...(options.clip === '' ? {} : { clip: number('--clip', options.clip) }),
    ...(options.learningRate === undefined
      ? {}
      : { learningRate: number('--learning-rate', options.learningRate) }),
  });
  const backend = await startBackend();
  const folder = options.out ?? path.join('out', 'training', name);
  console.log(
    `training ${options.model} (${size}) on ${options.data}, ${config.training.steps} steps, backend ${backend.name}, in ${folder}`,
  );
  const live = options.live
    ? liveCurve(`${options.model} on ${options.data}`, ['training', 'held out'])
    : null;
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  let points = 0;
  let said = 0;
  const header = await run(folder, config, options.resume === true, {
    begins: (data) => console.log(data.source),
    signal: stop.signal,
    progress: (state, imagesPerSecond) => {
      const point = state.curve.at(-1);
      if (state.curve.length > points && point !== undefined) {
        live?.push(point.step, { training: point.training, 'held out': point.validation });
      }
      if (state.curve.length > points || Date.now() - said > 15_000) {
        console.log(progressLine(state, config, imagesPerSecond));
        said = Date.now();
      }
      points = state.curve.length;
    },
  });
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  live?.close();
  if (header === null) {
    console.log(`stopped and saved; go on with --resume`);
  } else {
    for (const [kind, figure] of trainingFigures(header))
      await saveFigure(figure, path.join(folder, `${kind}.svg`));
    console.log(
      `done: ${header.test?.toFixed(4)} ${header.unit} on the test images; ${path.join(folder, 'model.safetensors')}`,
    );
  }
}

function progressLine(
  { step, curve, running }: TrainingState,
  { training }: RunConfig,
  imagesPerSecond: number,
): string {
  const point = curve.at(-1);
  const left = ((training.steps - step) * training.batch) / imagesPerSecond;
  const now = running.count > 0 ? running.sum / running.count : point?.training;
  const bits = point?.bitsPerDim === undefined ? '' : ` (${point.bitsPerDim.toFixed(3)} bits/dim)`;
  const held =
    point === undefined
      ? ''
      : `, held out ${point.validation.toFixed(4)}${bits} at step ${point.step}`;
  return `step ${step}/${training.steps}  loss ${now?.toFixed(4)}${held}  ${imagesPerSecond.toFixed(0)} images/s  ${duration(left)} left`;
}

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return minutes > 0 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.round(seconds)} s`;
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new FisherlabError(`${option} is '${text}'`, 'give a number that is not below 0');
  return value;
}

function share(option: string, text: string): number {
  const value = number(option, text);
  if (value >= 1)
    throw new FisherlabError(`${option} is '${text}'`, 'give a share below 1, such as 0.1');
  return value;
}

/** The commit of this checkout; 'unknown' outside one. */
function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: __dirname,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .toString()
      .trim();
  } catch {
    return 'unknown';
  }
}
