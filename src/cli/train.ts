/**
 * # `fisherlab train`: train a model
 *
 * `fisherlab train --model glow --data fashion_mnist --out out/training/glow-fashion_mnist`, and
 * the same with `--resume` after any interruption.
 */
import path from 'node:path';
import { type Command, Option } from 'commander';
import type { data, models, training } from '../index';
import { stoppable } from './interruption';
import { lab } from './lab';
import { arrayOptions, FAMILY, positiveNumber, readingOf, wholeNumber } from './options';

const PRESETS = ['paper', 'small'] as const satisfies readonly models.PresetName[];

interface Flags {
  model: string;
  data: string;
  preset: models.PresetName;
  out?: string;
  steps?: number;
  batch?: number;
  learningRate?: number;
  held?: number;
  seed: number;
  background?: number;
  clip?: number;
  resume?: boolean;
  live?: boolean;
  layout?: data.Layout;
  values?: data.Values;
}

/** Adds `train` to the program. */
export function register(program: Command): void {
  program
    .command('train')
    .description('train a model; you can interrupt it at any time and resume with --resume')
    .requiredOption('--model <family>', FAMILY)
    .requiredOption('--data <set|folder>', 'the data set to train on, or a folder of images')
    .addOption(arrayOptions.layout())
    .addOption(arrayOptions.values())
    .addOption(
      new Option('--preset <name>', 'the size of the model').choices(PRESETS).default('small'),
    )
    .option(
      '--out <folder>',
      'the folder of the run (default: out/training/<model>-<data>, or <model>-background-<data> for a background model)',
    )
    .option('--steps <n>', 'optimiser steps (default: the family’s)', wholeNumber())
    .option('--batch <n>', 'images per step (default: 64)', wholeNumber())
    .option(
      '--learning-rate <x>',
      'highest learning rate (default: the family’s)',
      positiveNumber(),
    )
    .option(
      '--clip <x>',
      'largest norm of the gradient, 0 for no clipping (default: the family’s)',
      positiveNumber(),
    )
    .option('--held <n>', 'images held out of training (default: 500)', wholeNumber())
    .option('--seed <n>', 'seed of everything random', wholeNumber(0), 1)
    .option(
      '--background <share>',
      'train a background model: replace this share of the pixel values by noise',
      positiveNumber(1),
    )
    .option('--resume', 'resume the run in the folder')
    .option('--live', 'show the training curve in a browser window')
    .action((flags: Flags) =>
      stoppable('stopped and saved; continue with --resume', (signal) => train(flags, signal)),
    );
}

async function train(
  {
    model,
    data: word,
    out,
    background = 0,
    resume = false,
    live: shows = false,
    layout,
    values,
    ...choices
  }: Flags,
  signal: AbortSignal,
): Promise<void> {
  const { data, experiments, plots, startBackend, training } = lab();
  const set = data.setOrPath(word);
  const reading = readingOf({ layout, values });
  const config = training.runOf(model, set, await data.channelsOf(set, reading), {
    ...choices,
    mutate: background,
    reading,
  });
  const { name: engine } = await startBackend();
  const name = [model, ...(background > 0 ? ['background'] : []), path.basename(set)].join('-');
  const folder = out ?? path.join('out', 'training', name);
  console.log(
    `training ${model} (${choices.preset}) on ${set}, ${config.training.steps} steps, backend ${engine}, in ${folder}`,
  );
  const live = shows ? plots.liveCurve(`${model} on ${set}`, ['training', 'held out']) : null;
  let points = 0;
  let said = 0;
  const header = await training
    .run(folder, config, resume, {
      begins: (images) => console.log(images.source),
      signal,
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
    })
    .finally(() => live?.close());
  if (header === null) throw signal.reason;
  for (const [kind, figure] of experiments.trainingFigures(header))
    await plots.saveFigure(figure, path.join(folder, `${kind}.svg`));
  console.log(
    `done: ${header.test?.toFixed(4)} ${header.unit} on the test images; ${path.join(folder, 'model.safetensors')}`,
  );
}

function progressLine(
  { step, curve, running }: training.TrainingState,
  { training }: training.RunConfig,
  imagesPerSecond: number,
): string {
  const point = curve.at(-1);
  const left = ((training.steps - step) * training.batch) / imagesPerSecond;
  const now = running.count > 0 ? running.sum / running.count : point?.training;
  const bits = point?.bitsPerDim === undefined ? '' : ` (${point.bitsPerDim.toFixed(3)} bits/dim)`;
  const heldOut =
    point === undefined
      ? ''
      : `, held out ${point.validation.toFixed(4)}${bits} at step ${point.step}`;
  return `step ${step}/${training.steps}  loss ${now?.toFixed(4)}${heldOut}  ${imagesPerSecond.toFixed(0)} images/s  ${lab().terminal.duration(left)} left`;
}
