/**
 * # A training run on disk
 *
 * A run is a folder of files. Each file is written under another name and then renamed, so that a
 * kill at any moment leaves only complete files:
 * - `state.safetensors`: parameters, moments, averaged weights, buffers, and in the metadata the
 *   configuration, the step and the curve: everything needed to resume. It is saved at every point
 *   of the curve, every minute, and when the run is stopped, but only if all numbers are finite;
 * - `best.safetensors`: a checkpoint of the averaged weights that did best on the held-out images.
 *   At the end there is also `model.safetensors`, the last weights in half precision. `loadModel`
 *   reads both.
 *
 * Two runs in one folder would mix their files. So a run holds a lock on its folder, the file
 * `lock`, which is released when its process ends (`backend/file-lock.ts`).
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Tensor } from '@tensorflow/tfjs';
import * as v from 'valibot';
import { makeFolder, numbersOf, tf, withLock } from '../backend/index';
import { checkedJson } from '../checked-json';
import { type ArrayReading, type ImageSet, imageSet } from '../data/index';
import { FisherlabError } from '../errors';
import type { PresetName, TapedModel } from '../models/index';
import {
  type CheckpointHeader,
  CURVE,
  createModel,
  disposeModel,
  type ModelConfig,
  modelTensors,
  type NamedTensor,
  readSafetensors,
  saveCheckpoint,
  setLayer,
  writeSafetensors,
} from '../models/index';
import { evaluate } from './held-out-loss';
import { disposeState } from './optimiser';
import { type TrainingConfig, type TrainingState, train } from './train';

export interface RunConfig {
  readonly model: ModelConfig;
  /** The preset of `model`, if it has one. */
  readonly preset?: PresetName;
  readonly data: string;
  /** How to read arrays among your own images. */
  readonly reading?: ArrayReading;
  /** How many images are held out of training. */
  readonly held: number;
  readonly training: TrainingConfig;
  readonly commit: string;
}

export interface RunEvents {
  /** Called before the first step, with the training images. */
  begins?(data: ImageSet): void;
  /** Called after each step, with the state of the run. */
  progress(state: TrainingState, imagesPerSecond: number): void;
  /** When it is aborted, the run finishes the current step, saves and stops. */
  readonly signal?: AbortSignal;
}

/** Seconds between two saves of the state, which is also saved at every point of the curve. */
const SAVE_EVERY = 60;

/**
 * Options that may change when a run is resumed, because lowering them helps after a loss that was
 * not finite.
 */
const MAY_CHANGE = ['learningRate', 'clip'] as const;

/** Entries that say where a run comes from and do not affect its numbers. */
const NAMES = ['commit', 'preset'];

/**
 * Starts a run in `folder`, or resumes the run there. Resolves to the header of the finished model,
 * or to null if it was stopped.
 * @throws {FisherlabError} if another process is training there; if the folder has a run and
 *   `resume` is not set, or that run has other options; if the loss is not finite
 */
export async function run(
  folder: string,
  config: RunConfig,
  resume: boolean,
  events: RunEvents,
): Promise<CheckpointHeader | null> {
  await makeFolder(folder);
  return withLock(
    path.join(folder, 'lock'),
    () => runAlone(folder, config, resume, events),
    (holder) => {
      throw new FisherlabError(
        `${holder} is training in '${folder}'`,
        'wait for it, end it, or choose another folder with --out',
      );
    },
  );
}

async function runAlone(
  folder: string,
  config: RunConfig,
  resume: boolean,
  events: RunEvents,
): Promise<CheckpointHeader | null> {
  const file = path.join(folder, 'state.safetensors');
  const begun = existsSync(file);
  if (begun && !resume) {
    throw new FisherlabError(
      `there is already a training run in '${folder}'`,
      'resume it with --resume, or choose another folder with --out',
    );
  }
  const model = createModel(config.model);
  try {
    const start = begun ? loadState(file, model, config) : undefined;
    const { reading } = config;
    const data = await imageSet(config.data, 'train', { reading });
    events.begins?.(data);
    const header = (state: TrainingState) => headerOf(config, model.loss.unit, data.count, state);
    let saved = { time: Date.now(), step: start?.step ?? 0 };
    let best = Math.min(
      Number.POSITIVE_INFINITY,
      ...(start?.curve ?? []).map((point) => point.validation),
    );
    let points = start?.curve.length ?? 0;
    const save = async (state: TrainingState) => {
      await saveState(file, model, state, config);
      saved = { time: Date.now(), step: state.step };
    };
    const afterStep = async (state: TrainingState, imagesPerSecond: number) => {
      events.progress(state, imagesPerSecond);
      const point = state.curve.at(-1);
      const evaluated = state.curve.length > points;
      if (evaluated && point !== undefined && point.validation < best) {
        best = point.validation;
        await saveCheckpoint(path.join(folder, 'best.safetensors'), model, header(state));
      }
      points = state.curve.length;
      if (evaluated || Date.now() - saved.time > 1000 * SAVE_EVERY) await save(state);
    };
    const remedy = () =>
      saved.step === 0
        ? 'start again with a lower --learning-rate or --clip'
        : `step ${saved.step} is safe in '${file}': resume from there with --resume and a lower --learning-rate or --clip`;
    const last = await train(
      model,
      data,
      config.held,
      config.training,
      { step: afterStep, remedy, signal: events.signal },
      start,
    );
    try {
      if (last.step < config.training.steps) {
        if (saved.step < last.step) await save(last);
        return null;
      }
    } finally {
      disposeState(last.optimiser);
    }
    const test = await imageSet(config.data, 'test', { reading });
    const all = Array.from({ length: test.count }, (_, k) => k);
    const finished = { ...header(last), test: evaluate(model, test, all, config.training.seed) };
    await saveCheckpoint(path.join(folder, 'model.safetensors'), model, finished, true);
    return finished;
  } finally {
    disposeModel(model);
  }
}

function headerOf(
  config: RunConfig,
  unit: string,
  images: number,
  { step, curve }: TrainingState,
): CheckpointHeader {
  return {
    config: config.model,
    preset: config.preset,
    data: {
      name: config.data,
      images: images - config.held,
      validation: config.held,
      ...(config.reading === undefined ? {} : { reading: config.reading }),
    },
    training: describe(config.training),
    unit,
    step,
    validation: curve.at(-1)?.validation ?? null,
    bitsPerDim: curve.at(-1)?.bitsPerDim,
    curve,
    commit: config.commit,
  };
}

function describe({
  augmentation,
  ...training
}: TrainingConfig): Record<string, number | string | boolean> {
  return { ...training, ...augmentation };
}

const VECTORS = ['parameters', 'm', 'v', 'average'] as const;

async function saveState(
  file: string,
  model: TapedModel,
  state: TrainingState,
  config: RunConfig,
): Promise<void> {
  const vector = (name: string, tensor: Tensor): NamedTensor => ({
    name,
    shape: tensor.shape,
    values: numbersOf(tensor),
  });
  const buffers = modelTensors(model).slice(model.layers.length);
  await writeSafetensors(
    file,
    [...VECTORS.map((name) => vector(name, state.optimiser[name])), ...buffers],
    {
      run: JSON.stringify({
        config,
        step: state.step,
        updates: state.optimiser.updates,
        curve: state.curve,
        running: state.running,
      }),
    },
  );
}

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** The schema of a state's metadata. Its configuration is compared entry by entry. */
const STATE = v.object({
  config: v.looseObject({ training: v.record(v.string(), v.unknown()) }),
  step: whole,
  updates: whole,
  curve: CURVE,
  running: v.object({ sum: v.number(), count: whole }),
});
type StateHeader = v.InferOutput<typeof STATE>;

function loadState(file: string, model: TapedModel, config: RunConfig): TrainingState {
  const { tensors, metadata } = readSafetensors(file);
  const { config: before, step, updates, curve, running } = readHeader(file, metadata.run);
  const differing = differences(before, config);
  if (differing.length > 0) {
    throw new FisherlabError(
      `the run in '${file}' differs in ${differing.join(', ')}`,
      'resume it with the options it was started with (--learning-rate and --clip may change)',
    );
  }
  const values = (name: string): Float32Array => {
    const tensor = tensors.get(name);
    if (tensor === undefined)
      throw new FisherlabError(
        `'${file}' lacks '${name}'`,
        'it is not the state of a run: start again with --out',
      );
    return tensor.values;
  };
  for (const buffer of model.buffers) setLayer(buffer, values(buffer.name));
  const vector = (name: (typeof VECTORS)[number]) => tf.tensor1d(values(name));
  const optimiser = {
    parameters: vector('parameters'),
    m: vector('m'),
    v: vector('v'),
    average: vector('average'),
    updates,
  };
  return { step, optimiser, curve, running };
}

function readHeader(file: string, text: string | undefined): StateHeader {
  if (text === undefined)
    throw new FisherlabError(
      `'${file}' does not say which run it belongs to`,
      'start again with --out',
    );
  return checkedJson(text, STATE, {
    what: `the description of the run in '${file}'`,
    howToFix: 'start again with --out',
  });
}

/** The names of the options in which the saved run differs from the requested one. */
function differences(before: StateHeader['config'], now: RunConfig): string[] {
  const { training: old, ...restBefore } = before;
  const { training, ...rest } = now;
  const fixed = { ...training, ...Object.fromEntries(MAY_CHANGE.map((key) => [key, old?.[key]])) };
  const pairs = { ...rest, ...fixed } as Record<string, unknown>;
  const others = { ...restBefore, ...old } as Record<string, unknown>;
  return Object.keys(pairs).filter(
    (key) => !NAMES.includes(key) && JSON.stringify(others[key]) !== JSON.stringify(pairs[key]),
  );
}
