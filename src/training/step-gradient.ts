/**
 * # The gradient of a training step
 *
 * `∂/∂θ Σ_n l(x_n)` is needed for all parameters as one vector, thousands of times with different
 * parameters and images. So the pass is recorded at the first step and then replayed as a graph
 * (`backend/graph.ts`), with each core computing its part of the batch. This halves the time of a
 * step of the small Glow. If graphs are not available, or do not pay for so few steps
 * (`graphPays`), every step is computed eagerly.
 */
import os from 'node:os';
import type { Tensor } from '@tensorflow/tfjs';
import { at, type Computation, Graph, lengthOf, numbersOf, tf } from '../backend/index';
import {
  bytesPerImage,
  graphPays,
  type Layer,
  summedGradients,
  type TapedModel,
} from '../models/index';
import { Weights } from './weights';

export class StepGradient {
  /** Copies the parameters of a step into the model. */
  readonly weights: Weights;
  /** Made at the first step; null if there is no graph. */
  private graph: Graph | null | undefined;
  /** The buffers that follow values observed in a pass, in the order of the pass. */
  private followers: readonly Layer[] = [];

  /**
   * @param steps the total number of steps, which decides between graph and eager; their results
   *   differ in the last digits
   */
  constructor(
    private readonly model: TapedModel,
    private readonly steps: number,
  ) {
    this.weights = new Weights(model);
  }

  /** Whether steps are replayed as a graph; known after the first one. */
  get replays(): boolean {
    return this.graph instanceof Graph;
  }

  /**
   * The gradient of the summed objective at `parameters` [P], [P], which the caller frees, and the
   * objective's mean.
   * @param images [N, H, W, C]
   * @param seed of the step's noise
   */
  at(parameters: Tensor, images: Tensor, seed: number): { gradient: Tensor; objective: number } {
    const noise = this.model.trainingNoise(lengthOf(images), seed);
    const batch = [images, ...noise];
    try {
      if (this.graph === undefined)
        this.graph = this.pays(images) ? this.recorded(batch, parameters) : null;
      const { graph } = this;
      return tf.tidy(() => {
        if (graph === null) {
          const { rows, sums } = this.computation(parameters, 1)(batch);
          return this.taken(numbersOf(at(rows, 0)), sums);
        }
        const { rows, sums } = graph.run(batch, [parameters]);
        return this.taken(
          at(rows, 0),
          sums.map((numbers) => tf.tensor1d(numbers)),
        );
      });
    } finally {
      tf.dispose(noise);
    }
  }

  /** Updates the model's buffers with the observed values and returns the rest. */
  private taken(objectives: Float32Array, [gradient, ...observed]: readonly Tensor[]) {
    this.model.follow(new Map(this.followers.map((buffer, k) => [buffer, at(observed, k)])));
    return { gradient: gradient as Tensor, objective: mean(objectives) };
  }

  private pays(images: Tensor): boolean {
    const { model, steps } = this;
    if (lengthOf(images) < 2) return false;
    const noise = model.noise([0, 1], 0); // any noise will do: only the size of a pass matters
    try {
      const bytes = bytesPerImage(model, images, noise);
      return graphPays({ images: steps * lengthOf(images), bytes, layers: model.layers.length });
    } finally {
      noise.dispose();
    }
  }

  /**
   * The pass over one of `parts` equal parts of a batch. Observed values are the same in all parts,
   * but outputs are summed over parts, so each part returns its share.
   */
  private computation(parameters: Tensor, parts: number): Computation {
    return (batch) => {
      this.weights.show(parameters);
      const found = summedGradients();
      try {
        const noise = batch.slice(1);
        const { objective, observed } = this.model.trainingPass(at(batch, 0), noise, found);
        const each = this.weights.layers.map(
          (layer) => found.byLayer.get(layer)?.sum ?? tf.zeros([layer.variable.size]),
        );
        const shares = [...observed.values()].map((statistic) => tf.div(statistic, parts));
        tf.dispose([...observed.values()]);
        this.followers = [...observed.keys()];
        return { rows: [objective], sums: [tf.concat(each), ...shares] }; // [N], [P], [C] each
      } finally {
        found.dispose();
      }
    };
  }

  /** A graph with one equal part of the batch for each core. */
  private recorded(batch: readonly Tensor[], parameters: Tensor): Graph | null {
    const count = lengthOf(at(batch, 0));
    let parts = Math.min(count, os.availableParallelism());
    while (count % parts !== 0) parts--;
    const part = tf.tidy(() => batch.map((tensor) => tf.slice(tensor, 0, count / parts)));
    try {
      return Graph.of(this.computation(parameters, parts), part, [parameters]);
    } finally {
      tf.dispose(part);
    }
  }
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
