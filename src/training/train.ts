/**
 * # Training
 *
 * Maximises the mean of `log p(x)` (or the family's own objective) with Adam or Adamax, with a
 * warm-up, a falling learning rate at the end, and a moving average of the weights. One pass of the
 * tape gives the summed gradients (`step-gradient.ts`).
 *
 * Everything random depends only on the seed and the step: the order of the images (one permutation
 * per epoch), augmentation and noise. So a run that was killed and resumed computes the same
 * numbers as one that was not. Its whole state (weights, moments, curve) is one file, which is
 * replaced from time to time; the best weights on held-out images are another (`run-folder.ts`).
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, deriveSeed, numbersOf, permutation, tf } from '../backend/index';
import type { Images } from '../data/index';
import { pixels } from '../data/index';
import { FisherlabError } from '../errors';
import type { CurvePoint, TapedModel } from '../models/index';
import { type Augmentation, augment } from './augment';
import { judgeHeldOut } from './held-out-loss';
import {
  disposeState,
  initialState,
  learningRateAt,
  type OptimiserConfig,
  type OptimiserState,
  update,
} from './optimiser';
import { StepGradient } from './step-gradient';

export interface TrainingConfig extends OptimiserConfig {
  readonly batch: number;
  readonly steps: number;
  readonly learningRate: number;
  /** Steps of linear warm-up. */
  readonly warmup: number;
  /** The share of the steps, at the end, over which the learning rate falls. */
  readonly decay: number;
  readonly augmentation: Augmentation;
  readonly seed: number;
  /** Steps between two evaluations on the held-out images. */
  readonly evaluateEvery: number;
  /** How many images to initialise from. */
  readonly initialImages: number;
}

/** The state of a run. */
export interface TrainingState {
  readonly step: number;
  readonly optimiser: OptimiserState;
  readonly curve: readonly CurvePoint[];
  /** Sum and count of the loss since the last point of the curve. */
  readonly running: { readonly sum: number; readonly count: number };
}

export interface TrainingEvents {
  /**
   * Called after every step and awaited. `state` is valid until the next step. If the step added a
   * point to the curve, the model holds the averaged weights.
   */
  step(state: TrainingState, imagesPerSecond: number): Promise<void> | void;
  /** The text of the error about a loss that is not finite: how to fix it. */
  readonly remedy: () => string;
  /** Stops the training before the next step. */
  readonly signal?: AbortSignal | undefined;
}

/** Splits a set into training images and held-out images (the last ones). */
export function splitTraining(
  count: number,
  heldOut: number,
): { training: number[]; heldOut: number[] } {
  if (!(Number.isInteger(heldOut) && heldOut > 0 && heldOut < count)) {
    throw new FisherlabError(
      `${heldOut} images cannot be held out of ${count}`,
      `hold out a whole number from 1 to ${count - 1}`,
    );
  }
  const all = Array.from({ length: count }, (_, k) => k);
  return { training: all.slice(0, count - heldOut), heldOut: all.slice(count - heldOut) };
}

/**
 * Trains from `start` (or from the beginning) to the last step, or until the signal is aborted. The
 * model ends with the averaged weights.
 * @throws {FisherlabError} if the images cannot be held out, a batch is larger than the training
 *   set, or the loss is not finite
 */
export async function train(
  model: TapedModel,
  data: Images,
  heldOutCount: number,
  config: TrainingConfig,
  events: TrainingEvents,
  start?: TrainingState,
): Promise<TrainingState> {
  const { training, heldOut } = splitTraining(data.count, heldOutCount);
  if (training.length < config.batch) {
    throw new FisherlabError(
      `a batch of ${config.batch} is larger than the ${training.length} training images`,
      'choose a smaller batch',
    );
  }
  if (start === undefined) {
    const first = Array.from(
      permutation(training.length, deriveSeed(config.seed, 1)).subarray(0, config.initialImages),
      (k) => at(training, k),
    );
    const images = pixels(data, first);
    model.initialise(images, deriveSeed(config.seed, 2));
    images.dispose();
  }
  const gradientAt = new StepGradient(model, config.steps);
  const { weights } = gradientAt;
  let state: TrainingState = start ?? {
    step: 0,
    optimiser: initialState(weights.read()),
    curve: [],
    running: { sum: 0, count: 0 },
  };
  const perEpoch = Math.floor(training.length / config.batch);
  let order: Uint32Array = new Uint32Array(0);
  let epoch = -1;
  const clock = { start: Date.now(), images: 0 };
  try {
    while (state.step < config.steps && events.signal?.aborted !== true) {
      const now = Math.floor(state.step / perEpoch);
      if (now !== epoch) {
        epoch = now;
        order = permutation(training.length, deriveSeed(config.seed, 3, epoch));
      }
      const from = (state.step % perEpoch) * config.batch;
      const indices = Array.from(order.subarray(from, from + config.batch), (k) => at(training, k));
      const next = trainingStep(model, gradientAt, data, indices, config, state, events.remedy);
      let { curve, running } = next;
      if (next.step % config.evaluateEvery === 0 || next.step === config.steps) {
        weights.show(next.optimiser.average);
        const found = judgeHeldOut(model, data, heldOut, config.seed);
        curve = [...curve, { step: next.step, training: running.sum / running.count, ...found }];
        running = { sum: 0, count: 0 };
      }
      disposeState(state.optimiser);
      state = { ...next, curve, running };
      clock.images += config.batch;
      await new Promise(setImmediate); // let Ctrl-C, timers and live windows run
      await events.step(state, clock.images / ((Date.now() - clock.start) / 1000));
    }
  } catch (error) {
    disposeState(state.optimiser);
    throw error;
  }
  weights.show(state.optimiser.average);
  return state;
}

function trainingStep(
  model: TapedModel,
  gradientAt: StepGradient,
  data: Images,
  indices: readonly number[],
  config: TrainingConfig,
  state: TrainingState,
  remedy: () => string,
): TrainingState {
  const seed = deriveSeed(config.seed, 4, state.step);
  const images = augmented(data, indices, config.augmentation, seed);
  const { gradient: ofSum, objective } = gradientAt.at(state.optimiser.parameters, images, seed);
  const gradient = tf.mul(ofSum, -model.loss.scale / indices.length);
  tf.dispose([images, ofSum]);
  const loss = -objective * model.loss.scale;
  const rate = learningRateAt(
    state.step,
    config.learningRate,
    config.warmup,
    config.decay,
    config.steps,
  );
  const { state: optimiser, norm } = update(state.optimiser, gradient, rate, config);
  // The sum is finite only if every parameter is, so saved states are always good.
  const [size = Number.NaN, checksum = Number.NaN] = tf.tidy(() =>
    numbersOf(tf.stack([norm, tf.sum(optimiser.parameters)])),
  );
  norm.dispose();
  if (![loss, size, checksum].every(Number.isFinite)) {
    const culprit = gradientAt.weights.firstNonFinite([gradient, optimiser.parameters]);
    disposeState(optimiser);
    gradient.dispose();
    throw new FisherlabError(
      `the loss is ${loss} and the gradient's norm ${size} at step ${state.step}${culprit === null ? '' : `; first in tensor '${culprit}'`}`,
      remedy(),
    );
  }
  gradient.dispose();
  return {
    step: state.step + 1,
    optimiser,
    curve: state.curve,
    running: { sum: state.running.sum + loss, count: state.running.count + 1 },
  };
}

function augmented(
  data: Images,
  indices: readonly number[],
  augmentation: Augmentation,
  seed: number,
): Tensor {
  const plain = pixels(data, indices);
  const before = numbersOf(plain);
  const values = augment(before, plain.shape, augmentation, seed);
  if (values === before) return plain;
  plain.dispose();
  return tf.tensor4d(values, [indices.length, ...data.shape]); // [N, H, W, C]
}
