/**
 * # All parameters as one vector
 *
 * What an optimiser works on: the values of all layers that are trained, one behind the other in
 * the model's order, θ [P].
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../backend/index';
import type { Layer } from '../gradients/index';
import type { TapedModel } from '../models/index';

/** The layers that are trained. */
export const trainable = (model: TapedModel): Layer[] =>
  model.layers.filter((layer) => !layer.frozen);

/** All trainable parameters in one vector [P]. */
export function flatParameters(model: TapedModel): Tensor {
  return tf.tidy(() =>
    tf.concat(trainable(model).map((layer) => tf.reshape(layer.variable, [-1]))),
  ); // [P]
}

/** The inverse of {@link flatParameters}. */
export function setParameters(model: TapedModel, parameters: Tensor): void {
  tf.tidy(() => {
    const layers = trainable(model);
    const parts = tf.split(
      parameters,
      layers.map((layer) => layer.variable.size),
    );
    layers.forEach((layer, j) => {
      layer.variable.assign(tf.reshape(parts[j] as Tensor, layer.variable.shape));
    });
  });
}

/**
 * The name of the first tensor that is not finite in one of `vectors` [P], the earlier vectors
 * first.
 */
export function firstNonFinite(model: TapedModel, vectors: readonly Tensor[]): string | null {
  for (const vector of vectors) {
    const at = vector.dataSync().findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    let end = 0;
    for (const { name, variable } of trainable(model)) {
      end += variable.size;
      if (at < end) return name;
    }
  }
  return null;
}
