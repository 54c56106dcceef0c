/**
 * # The likelihood under a background model
 *
 * The likelihood ratio (Ren et al. 2019, arXiv 1906.02845; `detectors/likelihood-corrections.ts`)
 * needs a second model p₀ of the same family that has learnt only what all images have in common.
 * It is trained on images in which some pixels were replaced by uniform noise. The column
 * `background-log-likelihood` holds log p₀(x) in nats, with the same dequantisation noise as log
 * p(x).
 */
import { tf } from '../backend/index';
import { pixels } from '../data/index';
import { disposeModel, type LoadedModel, loadModel, shippedBackgroundOf } from '../models/index';
import type { ImageStatistic } from './statistic';

/** For models that come with a background model, which stays loaded until `dispose` is called. */
export function backgroundLikelihood({ header }: LoadedModel, seed: number): ImageStatistic | null {
  const other = shippedBackgroundOf(header);
  if (other === undefined) return null;
  const background = loadModel(other);
  return {
    name: 'background-log-likelihood',
    version: 1,
    columns: [{ feature: 'background-log-likelihood' }],
    key: { model: background.checksum, seed, backend: tf.getBackend() },
    dispose: () => disposeModel(background.model),
    async of(data, positions, indices = positions) {
      const [images, noise] = [pixels(data, positions), background.model.noise(indices, seed)];
      const logLikelihood = background.model.logLikelihood(images, noise);
      try {
        return [await logLikelihood.data()];
      } finally {
        tf.dispose([images, noise, logLikelihood]);
      }
    },
  };
}
