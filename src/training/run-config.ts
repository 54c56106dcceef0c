/**
 * # A run with a family's defaults
 *
 * What `fisherlab train` and the ladder of models train with: a preset of the family, its optimiser
 * and length, the augmentation that suits the data set, and what was chosen otherwise.
 */
import { execFileSync } from 'node:child_process';
import type { ArrayReading } from '../data/index';
import { familyOf, type PresetName, preset } from '../models/index';
import { augmentationOf } from './augment';
import type { RunConfig } from './run-folder';

/** Images of a step, and those held out, unless told otherwise. */
const BATCH = 64;
const HELD_OUT = 500;

/** What a training differs in from its family's defaults. */
export interface RunChoices {
  readonly seed: number;
  readonly preset?: PresetName;
  /** Images held out of training. */
  readonly held?: number;
  readonly batch?: number;
  readonly steps?: number;
  readonly learningRate?: number;
  readonly clip?: number;
  readonly mutate?: number;
  /** How arrays among images of one's own are to be read. */
  readonly reading?: ArrayReading;
}

/**
 * The run of a family on a data set.
 * @param data its name, or the path of images of one's own
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
