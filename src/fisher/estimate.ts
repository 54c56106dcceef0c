/**
 * # The Fisher information, estimated in one pass
 *
 * From N samples of the model with scores g_n = ∇_θ log p(y_n), for every layer θ_j:
 *
 *     tr F̂_j = 1/N Σ_n ‖g_n‖²        trace, exact for F̂
 *     diag F̂_j = 1/N Σ_n g_n²         diagonal, one number a weight  (eq:mc-fisher)
 *     ḡ_j = 1/N Σ_n g_n               mean score
 *
 * and the gradients of a few chosen weights, [N, k], of which windows of F̂ are made
 * (`windows.ts`). The mean score is 0 in expectation, which tests model, sampler and gradients at
 * once. Samples pass in blocks; only what is listed here survives a block.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, numbersOf, tf } from '../backend/index';
import { Collector, type Layer, passOver } from '../gradients/index';
import type { Model } from '../models/index';
import { bootstrapCounts, type Estimate, intervalOf } from '../numerics/index';
import type { Draws } from './draws';
import type { PassOptions } from './passes';

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

export interface EstimateOptions extends PassOptions {
  /**
   * Weights whose gradients are wanted, by layer name: indices into the layer's tensor
   * (`chooseWindows`).
   */
  readonly windows?: ReadonlyMap<string, readonly number[]>;
}

/** What is read of a layer, block by block. */
interface Rows {
  readonly norms: Float64Array; // [N]
  readonly gradients: Float32Array; // [N × k]
}

/**
 * One pass over the draws.
 * @throws {FisherlabError} if the draws are of no use (`draws.ts`)
 * @throws the reason of `signal`, once it is aborted
 */
export async function estimateFisher(
  model: Model,
  draws: Draws,
  { windows, progress, signal }: EstimateOptions = {},
): Promise<FisherEstimate> {
  const N = draws.count;
  const chosen = ({ name }: Layer) => windows?.get(name) ?? [];
  const sums = new Collector(
    (gradient, layer) => {
      const g = gradient.instantiate(1); // [n, |θ|]
      const square = tf.square(g);
      const norms = tf.sum(square, 1, true); // [n, 1]
      const places = chosen(layer);
      const entries = () => tf.gather(g, tf.tensor1d([...places], 'int32'), 1); // [n, k]
      return {
        rows: places.length === 0 ? norms : tf.concat([norms, entries()], 1), // [n, 1 + k]
        squares: tf.sum(square, 0), // [|θ|]
        scores: tf.sum(g, 0), // [|θ|]
      };
    },
    { imagesAnEntry: 1, rows: ['rows'], sums: ['squares', 'scores'] },
  );
  const read = new Map<Layer, Rows>(
    model.layers.map((layer) => {
      const gradients = new Float32Array(N * chosen(layer).length);
      return [layer, { norms: new Float64Array(N), gradients }];
    }),
  );
  let start = 0;
  /** One transfer a block: hundreds of small ones cost more than the arithmetic. */
  const afterBlock = (done: number) => {
    const values = sums.numbers('rows');
    for (const [layer, { norms, gradients }] of read) {
      const own = values.get(layer.name); // [n × (1 + k)]
      if (own === undefined) continue; // a frozen layer
      const width = own.length / (done - start);
      for (let i = 0; i < done - start; i++) {
        norms[start + i] = at(own, i * width);
        gradients.set(own.subarray(i * width + 1, (i + 1) * width), (start + i) * (width - 1));
      }
    }
    start = done;
    progress?.(done, N);
  };
  try {
    await passOver(model, draws, sums, afterBlock, signal);
    const mean = (sum: Tensor) => tf.tidy(() => numbersOf(tf.div(sum, N)));
    const layers = [...read].flatMap(([layer, { norms, gradients }]): LayerFisher[] => {
      const own = sums.byLayer.get(layer);
      if (own === undefined) return [];
      return [
        {
          name: layer.name,
          size: layer.variable.size,
          squaredNorms: norms,
          trace: norms.reduce((a, b) => a + b, 0) / N,
          diagonal: mean(own.squares),
          mean: mean(own.scores),
          weights: chosen(layer),
          gradients,
        },
      ];
    });
    return { samples: N, layers };
  } finally {
    sums.dispose();
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
      squaredNorms.forEach((norm, n) => {
        sum += at(counts, r * samples + n) * norm;
      });
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
      Array.from(mean, (m, i) => m / Math.sqrt((at(diagonal, i) - m * m) / samples)).filter(
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
