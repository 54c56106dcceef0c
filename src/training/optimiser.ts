/**
 * # Adam and Adamax on one flat vector
 *
 * A model has hundreds of tensors, most of them tiny, and updating them one by one would take
 * longer than the arithmetic of a step. So all parameters are one vector θ [P], and an update is a
 * few operations on vectors (Kingma & Ba 2015, arXiv 1412.6980, algorithms 1 and 2). With gradient
 * g of the loss, after clipping to a norm and adding weight decay λθ as PyTorch does:
 *
 *     m ← β₁m + (1−β₁)g
 *     Adam     v ← β₂v + (1−β₂)g²          θ ← θ − η · m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + ε)
 *     Adamax   v ← max(β₂v, |g| + ε)       θ ← θ − η/(1−β₁ᵗ) · m/v
 *
 * A moving average of the weights, `a ← da + (1−d)θ`, is evaluated and shipped if d > 0. In early
 * steps d is kept below (1+t)/(10+t), so that the average forgets the start.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../backend/index';

export interface OptimiserConfig {
  readonly method: 'adam' | 'adamax';
  readonly weightDecay: number;
  /** Largest norm of the gradient; 0 for no clipping. */
  readonly clip: number;
  /** Decay of the moving average of weights; 0 for none. */
  readonly average: number;
}

export const BETA1 = 0.9;
export const BETA2 = 0.999;
export const EPSILON = 1e-8;

/** Everything the optimiser remembers: vectors [P] and the number of updates. */
export interface OptimiserState {
  readonly parameters: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
  readonly average: Tensor;
  readonly updates: number;
}

export function initialState(parameters: Tensor): OptimiserState {
  return {
    parameters,
    m: tf.zerosLike(parameters),
    v: tf.zerosLike(parameters),
    average: parameters.clone(),
    updates: 0,
  };
}

export function disposeState({ parameters, m, v, average }: OptimiserState): void {
  tf.dispose([parameters, m, v, average]);
}

/**
 * Makes one update with the gradient of the loss, [P]. The old state is not changed; the caller
 * frees it. Also returns the norm of the gradient before clipping, as a scalar tensor.
 */
export function update(
  state: OptimiserState,
  gradient: Tensor,
  learningRate: number,
  config: OptimiserConfig,
): { state: OptimiserState; norm: Tensor } {
  const t = state.updates + 1;
  const { norm, parameters, m, v, average } = tf.tidy(() => {
    const norm = tf.norm(gradient);
    const clipped =
      config.clip > 0
        ? tf.mul(gradient, tf.minimum(1, tf.div(config.clip, tf.add(norm, 1e-6))))
        : gradient;
    const g =
      config.weightDecay > 0
        ? tf.add(clipped, tf.mul(state.parameters, config.weightDecay))
        : clipped;
    const m = tf.add(tf.mul(state.m, BETA1), tf.mul(g, 1 - BETA1));
    const rate = learningRate / (1 - BETA1 ** t);
    let v: Tensor;
    let step: Tensor;
    if (config.method === 'adamax') {
      v = tf.maximum(tf.mul(state.v, BETA2), tf.add(tf.abs(g), EPSILON));
      step = tf.div(m, v);
    } else {
      v = tf.add(tf.mul(state.v, BETA2), tf.mul(tf.square(g), 1 - BETA2));
      step = tf.div(m, tf.add(tf.sqrt(tf.div(v, 1 - BETA2 ** t)), EPSILON));
    }
    const parameters = tf.sub(state.parameters, tf.mul(step, rate));
    const decay = config.average > 0 ? Math.min(config.average, (1 + t) / (10 + t)) : 0;
    const average =
      decay > 0
        ? tf.add(tf.mul(state.average, decay), tf.mul(parameters, 1 - decay))
        : parameters.clone();
    return { norm, parameters, m, v, average };
  });
  return { state: { parameters, m, v, average, updates: t }, norm };
}

/**
 * Learning rate at a step: linear warm-up, then constant, then a linear fall to 1 % over the last
 * `decay` share of all steps.
 */
export function learningRateAt(
  step: number,
  peak: number,
  warmup: number,
  decay: number,
  steps: number,
): number {
  const rise = Math.min(1, (step + 1) / Math.max(1, warmup));
  const start = steps * (1 - decay);
  const fall = decay > 0 && step > start ? 1 - 0.99 * ((step - start) / (steps - start)) : 1;
  return peak * rise * fall;
}
