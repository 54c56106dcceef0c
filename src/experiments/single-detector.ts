/**
 * # One detector for all families, with nothing to tune
 *
 * The previous round (`family-combinations.ts`) ended with a combination of three detectors. On
 * development pairs, two things were then found that help more than any combination:
 *
 * - **one noise for all images**, if it enters the gradient (`features/noise-indices.ts`). VAEs and
 *   diffusion models do poorly mostly because the gradient of each image has a single random draw;
 * - **the mean of the images' log norms** instead of the norm of the joint gradient
 *   (`features/mean-log-norm.ts`), for B > 1.
 *
 * It remains to choose how columns are combined. Candidates differ in one thing at a time: whether
 * neighbours are whitened, whether the likelihood is a column, and whether the density of the
 * likelihood is a separate detector. None has a tuned number.
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

/** A candidate whose images share their noise if it enters the gradient. */
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
 * The paper's detector with shared noise, which is better than with separate noise. Any gain over
 * it comes from the columns and their combination.
 */
const PAPER_STEADY = steady('layer-wise gradients, one noise', () =>
  detector('layer-wise gradients'),
);

/** The seed of the permutation of every set. */
export const ORDER = 1;

/**
 * The round of all shipped models, in a seeded order. The number tried also counts other candidates
 * looked at on the same development pairs: sums of standard scores, Stouffer's and harmonic means,
 * full whitening, shrunk covariances and the parts of the objective, alone and combined. One of
 * these was slightly better at B = 1: the sum of standard scores of the density and both kinds of
 * neighbours (a mean of 0.900 instead of 0.895 over 30 pairs, but 0.985 instead of 0.987 at B = 5).
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
