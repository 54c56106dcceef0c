/**
 * # The gradient with respect to the image
 *
 * Column `input-gradient-norm`: ‖∂ log p/∂x‖² of each image, in nats² per squared pixel step
 * (`gradients/built-in-features.ts`).
 */
import { tf } from '../backend/index';
import { imagesFor } from '../data/index';
import { inputGradientNorms } from '../gradients/index';
import type { LoadedModel } from '../models/index';
import type { ImageStatistic } from './statistic';

/** For all models. */
export function inputGradient(
  { model, checksum }: Pick<LoadedModel, 'model' | 'checksum'>,
  seed: number,
): ImageStatistic {
  return {
    name: 'input-gradient-norm',
    version: 1,
    columns: [{ feature: 'input-gradient-norm' }],
    key: { model: checksum, seed, backend: tf.getBackend() },
    async of(data, positions, indices = positions) {
      const images = imagesFor(model, data, positions, seed, indices);
      const noise = model.noise(indices, seed);
      try {
        return [inputGradientNorms(model, images, noise)];
      } finally {
        tf.dispose([images, noise]);
      }
    },
  };
}
