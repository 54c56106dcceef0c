/**
 * # The Fisher information, estimated in one pass
 *
 * From N samples of the model with scores g_n = ∇_θ log p(y_n), for every layer θ_j:
 *
 *     tr F̂_j = 1/N Σ_n ‖g_n‖²        trace, exact for F̂
 *     diag F̂_j = 1/N Σ_n g_n²         diagonal, one number a weight
 *     ḡ_j = 1/N Σ_n g_n               mean score, 0 in expectation: a test of the model, of the sampler and of the gradients at once
 *
 * and the gradients of a few chosen weights, [N, k], of which windows of F̂ are made
 * (`windows.ts`). Samples pass in blocks; only what is listed here survives a block.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../backend/index';
import type { Layer } from '../gradients/index';
import type { Model } from '../models/index';
import { bootstrapCounts, type Estimate, intervalOf } from '../numerics/index';
import type { Draws } from './draws';
import { type PassProgress, passOver } from './passes';

/** What is known of one layer's block of F. */
export interface LayerFisher {
  readonly name: string;
  /** |θ_j|. */
  readonly size: number;
  /** ‖g_n‖² of each sample, [N]. Their mean is the trace. */
  readonly squaredNorms: Float64Array;
  readonly trace: number;
  /** [|θ_j|], in the order of the layer's tensor. */
  readonly diagonal: Float32Array;
  /** Mean score, [|θ_j|]. */
  readonly mean: Float32Array;
  /** The chosen weights and their gradients, [N × k] row-major; empty where none were chosen. */
  readonly weights: readonly number[];
  readonly gradients: Float32Array;
}

export interface FisherEstimate {
  /** N. */
  readonly samples: number;
  /** In the model's order, without frozen layers. */
  readonly layers: readonly LayerFisher[];
}

export interface EstimateOptions {
  /**
   * Weights whose gradients are wanted, by layer name: indices into the layer's tensor
   * (`chooseWindows`).
   */
  readonly windows?: ReadonlyMap<string, readonly number[]>;
  readonly progress?: PassProgress;
}

interface Sums {
  readonly norms: Float64Array;
  squares: Tensor; // [|θ|]
  scores: Tensor; // [|θ|]
  readonly gradients: Float32Array; // [N × k]
}

/** One pass over the draws. Errors: those of the model, and of the draws. */
export function estimateFisher(
  model: Model,
  draws: Draws,
  { windows, progress }: EstimateOptions = {},
): FisherEstimate {
  const N = draws.count;
  const sums = new Map<Layer, Sums>();
  let start = 0;
  let pending: { layer: Layer; part: Tensor }[] = [];
  const visit = (layer: Layer, gradient: { instantiate(B: number): Tensor }) => {
    const g = gradient.instantiate(1); // [n, |θ|]
    const chosen = windows?.get(layer.name) ?? [];
    const square = tf.square(g);
    const norms = tf.sum(square, 1, true); // [n, 1]
    const picked =
      chosen.length === 0
        ? norms
        : tf.concat([norms, tf.gather(g, tf.tensor1d([...chosen], 'int32'), 1)], 1); // [n, 1 + k]
    pending.push({ layer, part: tf.keep(picked.clone()) });
    const before = sums.get(layer);
    const [squares, scores] = [tf.sum(square, 0), tf.sum(g, 0)]; // [|θ|] each
    if (before === undefined) {
      sums.set(layer, {
        norms: new Float64Array(N),
        squares: tf.keep(squares.clone()),
        scores: tf.keep(scores.clone()),
        gradients: new Float32Array(N * chosen.length),
      });
      return;
    }
    const old = [before.squares, before.scores];
    before.squares = tf.keep(tf.add(before.squares, squares));
    before.scores = tf.keep(tf.add(before.scores, scores));
    tf.dispose(old);
  };
  /** One transfer a block: hundreds of small ones cost more than the arithmetic. */
  const read = (done: number) => {
    const n = done - start;
    const values = tf.tidy(() =>
      tf.concat(pending.map(({ part }) => tf.reshape(part, [-1]))).dataSync(),
    ) as Float32Array; // [Σ n(1+k)]
    let offset = 0;
    for (const { layer, part } of pending) {
      const own = sums.get(layer) as Sums;
      const width = part.shape[1] as number;
      for (let i = 0; i < n; i++) {
        own.norms[start + i] = values[offset + i * width] as number;
        own.gradients.set(
          values.subarray(offset + i * width + 1, offset + (i + 1) * width),
          (start + i) * (width - 1),
        );
      }
      offset += n * width;
    }
    tf.dispose(pending.map(({ part }) => part));
    pending = [];
    start = done;
    progress?.(done, N);
  };
  try {
    passOver(model, draws, visit, (_, done) => read(done));
    return {
      samples: N,
      layers: model.layers.flatMap((layer): LayerFisher[] => {
        const own = sums.get(layer);
        if (own === undefined) return [];
        const divided = (sum: Tensor) => tf.tidy(() => tf.div(sum, N).dataSync()) as Float32Array;
        return [
          {
            name: layer.name,
            size: layer.variable.size,
            squaredNorms: own.norms,
            trace: own.norms.reduce((a, b) => a + b, 0) / N,
            diagonal: divided(own.squares),
            mean: divided(own.scores),
            weights: windows?.get(layer.name) ?? [],
            gradients: own.gradients,
          },
        ];
      }),
    };
  } finally {
    tf.dispose(pending.map(({ part }) => part));
    for (const { squares, scores } of sums.values()) tf.dispose([squares, scores]);
  }
}

/** The traces of all layers with their intervals, from bootstraps over samples. */
export function traceIntervals(
  { samples, layers }: FisherEstimate,
  seed: number,
  resamples = 400,
): Estimate[] {
  const counts = bootstrapCounts(samples, resamples, seed);
  return layers.map(({ trace, squaredNorms }) => {
    const resampled = Float64Array.from({ length: resamples }, (_, r) => {
      let sum = 0;
      for (let n = 0; n < samples; n++)
        sum += (counts[r * samples + n] as number) * (squaredNorms[n] as number);
      return sum / samples;
    });
    return intervalOf(trace, resampled);
  });
}

/**
 * Mean score in units of its own standard error, √N ḡ/√(diag F̂ − ḡ²), one number a weight that has
 * a gradient at all. Standard normal where E[score] = 0.
 */
export function scoreZ({ samples, layers }: FisherEstimate): Float64Array {
  return Float64Array.from(
    layers.flatMap(({ mean, diagonal }) =>
      Array.from(mean, (m, i) => m / Math.sqrt(((diagonal[i] as number) - m * m) / samples)).filter(
        Number.isFinite,
      ),
    ),
  );
}

/** The last part of a tensor's name says what it does: `flow.layers.1.actnorm.bias` is a `bias`. */
function kindOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

/** Layers by kind, each with its place in the model's depth. */
export function depthOrder({
  layers,
}: FisherEstimate): Map<string, { readonly depth: number; readonly layer: LayerFisher }[]> {
  const kinds = new Map<string, { depth: number; layer: LayerFisher }[]>();
  layers.forEach((layer, depth) => {
    const kind = kindOf(layer.name);
    kinds.set(kind, [...(kinds.get(kind) ?? []), { depth, layer }]);
  });
  return kinds;
}
