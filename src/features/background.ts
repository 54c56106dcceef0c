/**
 * # What a model of the background says
 *
 * The likelihood ratio (Ren et al. 2019, arXiv 1906.02845; `detectors/likelihood-corrections.ts`)
 * needs a second model p₀ of the same family that has learnt only what is common to all images:
 * trained on inputs some of whose pixels were replaced by uniform noise. Column
 * `background-log-likelihood`, nats, for the same dequantisation noise.
 */
import { tf } from '../backend/index';
import { pixels } from '../data/index';
import { disposeModel, type LoadedModel, loadModel, shippedBackgroundOf } from '../models/index';
import type { ImageStatistic } from './statistic';

/** Of models with a background model beside them, which it holds until it is disposed of. */
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
