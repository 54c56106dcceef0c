/**
 * # The weights of a training run
 *
 * An optimiser works on one vector, θ [P]: the values of all trained layers, one after the other in
 * the model's order. These numbers belong to the state of the optimiser. They are copied into the
 * model when something is computed with them: the current weights during the pass of a step, the
 * averaged weights during an evaluation and at the end. All such copies are made here, so the model
 * always holds the weights that were copied last.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, tf } from '../backend/index';
import type { Layer, TapedModel } from '../models/index';

export class Weights {
  /** The layers that are trained. */
  readonly layers: readonly Layer[];

  constructor(model: TapedModel) {
    this.layers = model.layers.filter((layer) => !layer.frozen);
  }

  /** The weights that the model holds now, as one vector [P], which the caller frees. */
  read(): Tensor {
    return tf.tidy(() => {
      const ofLayers = this.layers.map(({ variable }) => tf.reshape(variable, [-1])); // [|θ|] each
      return tf.concat(ofLayers); // [P]
    });
  }

  /** Copies `parameters` [P] into the model. */
  show(parameters: Tensor): void {
    tf.tidy(() => {
      const parts = tf.split(
        parameters,
        this.layers.map(({ variable }) => variable.size),
      );
      this.layers.forEach(({ variable }, j) => {
        variable.assign(tf.reshape(at(parts, j), variable.shape));
      });
    });
  }

  /**
   * The name of the first tensor that is not finite in one of `vectors` [P], checking earlier
   * vectors first.
   */
  firstNonFinite(vectors: readonly Tensor[]): string | null {
    for (const vector of vectors) {
      const place = vector.dataSync().findIndex((value) => !Number.isFinite(value));
      if (place < 0) continue;
      let end = 0;
      for (const { name, variable } of this.layers) {
        end += variable.size;
        if (place < end) return name;
      }
    }
    return null;
  }
}
