/**
 * # The weights of a training run
 *
 * An optimiser works on one vector, θ [P]: the values of all trained layers, one after the other in
 * the model's order. The optimiser's state owns these numbers. They are copied into the model while
 * something is computed with them: those of the step during its pass, the averaged ones during an
 * evaluation and at the end. All such copies go through here, so there is never a doubt which
 * weights the model holds: those that were copied last.
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

  /** What the model holds now, as one vector [P], which the caller frees. */
  read(): Tensor {
    return tf.tidy(() => {
      const ofLayers = this.layers.map(({ variable }) => tf.reshape(variable, [-1])); // [|θ|] each
      return tf.concat(ofLayers); // [P]
    });
  }

  /** Gives the model the values of `parameters` [P]. */
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
   * The name of the first tensor that is not finite in one of `vectors` [P], the earlier vectors
   * first.
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
