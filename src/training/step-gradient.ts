/**
 * # The gradient of a training step
 *
 * `∂/∂θ Σ_n l(x_n)` for all parameters in one vector, thousands of times for other parameters and
 * images. So the pass is recorded at the first step and replayed as a graph from then on
 * (`backend/graph.ts`), each core taking its part of the batch; a step of the small Glow takes half
 * the time. Where that cannot be had, or for so few steps that making the graph would take longer
 * than it saves, every step is computed eagerly.
 */
import os from 'node:os';
import type { Tensor } from '@tensorflow/tfjs';
import { type Computation, Graph, tf } from '../backend/index';
import type { TapedModel } from '../models/index';
import { setParameters, trainable } from './parameters';

/** Fewer steps than this are not worth a graph, which takes some seconds to make. */
const WORTH_A_GRAPH = 100;

export class StepGradient {
  /** Made at the first step; null where there is none. */
  private graph: Graph | null | undefined;

  /**
   * @param steps how many there will be; decides between the two ways, which differ in the last
   *   digits
   */
  constructor(
    private readonly model: TapedModel,
    steps: number,
  ) {
    if (steps < WORTH_A_GRAPH || !model.trainsImageByImage) this.graph = null;
  }

  /**
   * The gradient of the summed objective at `parameters` [P], [P], which the caller frees, and the
   * objective's mean.
   * @param images [N, H, W, C]
   * @param seed of the step's noise
   */
  at(parameters: Tensor, images: Tensor, seed: number): { gradient: Tensor; objective: number } {
    const count = images.shape[0] as number;
    const batch = [images, ...this.model.trainingNoise(count, seed)];
    try {
      const compute = this.computation(parameters);
      this.graph ??= this.graph === null ? null : recorded(compute, batch, parameters);
      if (this.graph === null) {
        return tf.tidy(() => {
          const { rows, sums } = compute(batch);
          return { gradient: sums[0] as Tensor, objective: mean((rows[0] as Tensor).dataSync()) };
        });
      }
      const { rows, sums } = this.graph.run(batch, [parameters]);
      return {
        gradient: tf.tensor1d(sums[0] as Float32Array),
        objective: mean(rows[0] as Float32Array),
      };
    } finally {
      tf.dispose(batch.slice(1));
    }
  }

  private computation(parameters: Tensor): Computation {
    return ([images, ...noise]) => {
      setParameters(this.model, parameters);
      const found = new Map<string, Tensor>();
      try {
        const objectives = this.model.trainingGradients(
          images as Tensor,
          noise,
          (layer, factors) => {
            found.set(layer.name, tf.keep(tf.reshape(factors.total(), [-1]))); // [|θ_j|]
          },
        );
        const each = trainable(this.model).map(
          (layer) => found.get(layer.name) ?? tf.zeros([layer.variable.size]),
        );
        return { rows: [objectives], sums: [tf.concat(each)] }; // [N], [P]
      } finally {
        tf.dispose([...found.values()]);
      }
    };
  }
}

/** A graph of as many equal parts of the batch as there are cores for. */
function recorded(
  compute: Computation,
  batch: readonly Tensor[],
  parameters: Tensor,
): Graph | null {
  const count = batch[0]?.shape[0] as number;
  let parts = Math.min(count, os.availableParallelism());
  while (count % parts !== 0) parts--;
  const part = tf.tidy(() => batch.map((tensor) => tf.slice(tensor, 0, count / parts)));
  try {
    return Graph.of(compute, part, [parameters]);
  } finally {
    tf.dispose(part);
  }
}

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}
