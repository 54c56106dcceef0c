/**
 * # A run with a family's defaults
 *
 * The configuration that `fisherlab train` and the ladder of models train with: a preset of the
 * family, its optimiser and number of steps, the augmentation for the data set, and the user's
 * choices.
 */
import { execFileSync } from 'node:child_process';
import type { ArrayReading } from '../data/index';
import { familyOf, type PresetName, preset } from '../models/index';
import { augmentationOf } from './augment';
import type { RunConfig } from './run-folder';

/** The default numbers of images per step and of held-out images. */
const BATCH = 64;
const HELD_OUT = 500;

/** Choices that override the defaults of the family. */
export interface RunChoices {
  readonly seed: number;
  readonly preset?: PresetName;
  /** The number of images held out of training. */
  readonly held?: number;
  readonly batch?: number;
  readonly steps?: number;
  readonly learningRate?: number;
  readonly clip?: number;
  readonly mutate?: number;
  /** How to read arrays among your own images. */
  readonly reading?: ArrayReading;
}

/**
 * The configuration of a run of a family on a data set.
 * @param data the name of the set, or the path of your own images
 * @param channels of its images
 * @throws {FisherlabError} if there is no such family
 */
export function runOf(
  family: string,
  data: string,
  channels: number,
  choices: RunChoices,
): RunConfig {
  const { seed, preset: size = 'small', held = HELD_OUT, mutate = 0 } = choices;
  const { method, weightDecay, average, ...defaults } = familyOf(family).training;
  const {
    batch = BATCH,
    steps = defaults.steps,
    learningRate = defaults.learningRate,
    clip = defaults.clip,
  } = choices;
  return {
    model: preset(family, size, [32, 32, channels], seed),
    preset: size,
    data,
    ...(choices.reading === undefined ? {} : { reading: choices.reading }),
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

/** The commit of this checkout; 'unknown' outside of git. */
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
