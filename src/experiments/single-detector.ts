/**
 * # One detector for all families, with nothing to tune
 *
 * The round before (`family-combinations.ts`) ended with a committee of three. Two things were then
 * found on development pairs that do more than any committee:
 *
 * - **one noise for all images** where it enters the gradient (`features/noise-indices.ts`): a VAE
 *   and a diffusion model are weak mostly because each image's gradient is one draw;
 * - **the mean of the images' log norms** in the place of the joint gradient's norm
 *   (`features/mean-log-norm.ts`), for B > 1.
 *
 * What is left to choose is how columns are put together. Candidates differ in one thing at a time:
 * whitening of neighbours, the likelihood as a column, and whether the density of the likelihood
 * has a vote of its own. None has a number that was tuned.
 */
import {
  combine,
  type Detector,
  detector,
  jointP,
  layerwiseNeighbours,
  log,
  neighboursOfMeans,
  raw,
  whitenedNeighbours,
} from '../detectors/index';
import { MEAN_LOG_NORM, steadyNoise } from '../features/index';
import type { Candidate } from './candidates';
import { familyPairs } from './pairs';
import { SINGLE_ROUND } from './results-file';
import type { Round } from './rounds';

const density = () => detector('density of the log-likelihood');

/** A candidate whose images share their noise where it enters the gradient. */
const steady = (name: string, make: () => Detector): Candidate => ({
  name,
  features: [MEAN_LOG_NORM],
  noise: steadyNoise,
  detector: make,
});

const CHOSEN = 'neighbours of mean log norms and likelihood';

const CANDIDATES: readonly Candidate[] = [
  steady('strangest of neighbours, factors and typicality', () =>
    detector('strangest of neighbours, factors and typicality'),
  ),
  steady('density of the log-likelihood', density),
  steady('neighbours of joint norms, not whitened', () => layerwiseNeighbours()),
  steady('neighbours of joint norms and likelihood', () =>
    combine([log('squared-norm'), raw('log-likelihood')], whitenedNeighbours()),
  ),
  steady('neighbours of mean log norms', () => combine([raw(MEAN_LOG_NORM)], whitenedNeighbours())),
  steady(CHOSEN, neighboursOfMeans),
  steady('one p-value of the last and the density', () => jointP([neighboursOfMeans(), density()])),
];

/**
 * The paper's detector with the same noise, which is better than with its own: what is gained
 * beyond it is the columns' and their combination's.
 */
const PAPER_STEADY = steady('layer-wise gradients, one noise', () =>
  detector('layer-wise gradients'),
);

/** The order of every set: a permutation by this seed. */
export const ORDER = 1;

/**
 * The round of all shipped models, in a seeded order. The number tried counts sums of standard
 * scores, Stouffer's and harmonic means, full whitening, shrunk covariances and the parts of the
 * objective, alone and in company, looked at on the same development pairs. Of these one was a
 * little better at B = 1: the sum of standard scores of the density and both kinds of neighbours
 * (0.900 instead of 0.895 on the mean of 30 pairs, 0.985 instead of 0.987 at B = 5).
 */
export function singleDetector(): Round {
  return {
    candidates: CANDIDATES,
    images: 1000,
    ownImages: 2000,
    reference: 0,
    order: ORDER,
    against: PAPER_STEADY,
    tried: 82 + 75,
    chosen: CHOSEN,
    development: familyPairs('choosing'),
    reporting: familyPairs('reporting'),
    missing: 'nothing',
    file: SINGLE_ROUND,
  };
}
