/**
 * # Likelihoods, corrected
 *
 * Plain likelihood mixes what an image shows with how simple it is: smooth images are probable
 * under any model. Three ways to take that out; each reads a column that was made beside the
 * log-likelihood, and learns nothing.
 *
 * - **Input complexity** (Serrà, Álvarez, Gómez, Slizovskaia, Núñez, Luque, ICLR 2020, arXiv
 *   1909.11480): compare with the bits L(x) a general lossless codec needs, S = −log₂ p(x) − L(x).
 *   Both in *bits* (a repository that takes bits from nats is known). Column `complexity-bits`.
 *   Of a VAE it says little: the paper's objective fixes the variance of pixels at ½, so it varies
 *   by far fewer bits from image to image than L(x) does, and the score is nearly −L(x) alone.
 * - **Likelihood ratio** (Ren et al., NeurIPS 2019, arXiv 1906.02845): compare with a model p₀ of
 *   the background, trained on noisy images, S = −(log p(x) − log p₀(x)). Column
 *   `background-log-likelihood`, nats.
 * - **Likelihood regret** (Xiao, Yan, Amit, NeurIPS 2020, arXiv 2003.02977): how much the
 *   likelihood of x rises when the encoder of a VAE is fitted to x alone; S is that rise. Column
 *   `likelihood-regret`, nats.
 *
 * All numbers are of a batch, summed over its images, as the log-likelihood is.
 */
import type { Detector } from './detector';
import { statistic } from './likelihood';

/** −log₂ p(x) − L(x), in bits. */
export function inputComplexity(): Detector {
  return ofColumns('input complexity', 'complexity-bits', (logP, bits) => -logP / Math.LN2 - bits);
}

/** −(log p − log p₀), in nats. */
export function likelihoodRatio(): Detector {
  return ofColumns(
    'likelihood ratio',
    'background-log-likelihood',
    (logP, background) => background - logP,
  );
}

/** The column `likelihood-regret` itself. */
export function likelihoodRegret(): Detector {
  return {
    name: 'likelihood regret',
    fit: () => ({ score: (table) => statistic(table, 'likelihood-regret').slice() }),
  };
}

function ofColumns(
  name: string,
  other: string,
  score: (logP: number, other: number) => number,
): Detector {
  return {
    name,
    fit: () => ({
      score(table) {
        const beside = statistic(table, other);
        return statistic(table, 'log-likelihood').map((logP, row) =>
          score(logP, beside[row] as number),
        );
      },
    }),
  };
}
