/**
 * # The two parts of a flow's log-likelihood
 *
 *     log p(x) = log p(z) + log |det ∂f/∂x|,      z = f(x).
 *
 * Density of states estimation looks at the two separately (Morningstar et al. 2021, arXiv
 * 2006.09273; `detectors/dose.ts`), because a simple image with a large second part may still have
 * an unlikely z. The columns `log-prior` and `log-determinant` are in nats and use the same
 * dequantisation noise as the log-likelihood, which is their sum.
 */
import { tf } from '../backend/index';
import { pixels } from '../data/index';
import { can, type LoadedModel } from '../models/index';
import type { ImageStatistic } from './statistic';

/** For flows only. */
export function flowParts(
  { model, checksum }: Pick<LoadedModel, 'model' | 'checksum'>,
  seed: number,
): ImageStatistic | null {
  if (!can(model, 'parts')) return null;
  return {
    name: 'log-prior and log-determinant',
    version: 1,
    columns: [{ feature: 'log-prior' }, { feature: 'log-determinant' }],
    key: { model: checksum, seed, backend: tf.getBackend() },
    async of(data, positions, indices = positions) {
      const [images, noise] = [pixels(data, positions), model.noise(indices, seed)];
      const { prior, logDet } = model.parts(images, noise);
      try {
        return [await prior.data(), await logDet.data()];
      } finally {
        tf.dispose([images, noise, prior, logDet]);
      }
    },
  };
}
