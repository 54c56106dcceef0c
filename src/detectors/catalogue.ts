/**
 * # All detectors, by name
 *
 * The command line, the tables and the notebooks find a detector by its name:
 * `detector('typicality')`. To add one:
 *
 * 1. If it is a new way to make one number of many columns, write a `Combiner` (`combine.ts` shows
 *    one in ten lines), in a file of its own that opens with the idea, the equation and the
 *    reference, and add it to `COMBINERS`. It can then be used with any features:
 *    `combine([log('squared-norm'), raw('log-likelihood')], combiner('Student-t'))`.
 * 2. If it reads particular columns, write a `Detector` (`typicality.ts` is the shortest).
 * 3. Add it to `DETECTORS` under its own `name`, turned so that **higher = more out of
 *    distribution**.
 * 4. Give it a test that compares it with something independent: a closed form, a sum over all
 *    pairs, another program's numbers.
 *
 * A detector that uses random numbers gets a seed when it is made; most detectors ignore it.
 */
import { assertKnown } from '../errors';
import { chiSquare, chiSquareDensities } from './chi-square';
import { type Combiner, combine, log, raw } from './combine';
import { commonFactors, layerwiseFactors } from './common-factor';
import type { Detector } from './detector';
import { dose, doseSupport } from './dose';
import { isolationForest, layerwiseIsolationForest } from './isolation-forest';
import { kernelDensity, layerwiseKernelDensity } from './kernel-density';
import { independentNormals, layerwise } from './layerwise';
import { likelihood } from './likelihood';
import { inputComplexity, likelihoodRatio, likelihoodRegret } from './likelihood-corrections';
import { naiveSum, sum } from './naive-sum';
import { layerwiseNeighbours, nearestNeighbours } from './nearest-neighbours';
import { layerwiseSvm, oneClassSvm } from './one-class-svm';
import {
  fisherP,
  fishersMethod,
  fishersMethodOfTheCode,
  harmonicMeanP,
  layerwiseHarmonicMeanP,
  sumOfP,
} from './p-values';
import { layerwisePrincipalComponents, principalComponents } from './principal-components';
import { scoreStatisticAndTypicality } from './score-statistic';
import { layerwiseShrunkGaussian, shrunkGaussian } from './shrunk-gaussian';
import { strangestOf } from './strangest';
import { layerwiseStudentT, studentT } from './student-t';
import { typicality } from './typicality';
import { neighboursOfMeans, whitenedNeighbours } from './whitened-neighbours';

/** The statistics DoSE looks at in a flow, and in a VAE: columns of the table. */
const FLOW_STATISTICS = ['log-likelihood', 'log-prior', 'log-determinant'];
const POSTERIOR_STATISTICS = [
  'log-likelihood',
  'posterior-cross-entropy',
  'posterior-entropy',
  'divergence',
  'distortion',
];

export const DETECTORS = {
  likelihood,
  typicality,
  'layer-wise gradients': () => layerwise(),
  // variants in the paper's code
  'naive sum': () => naiveSum(),
  'chi-square': () => chiSquare('size'),
  'chi-square with effective freedom': () => chiSquare('effective'),
  "Fisher's method": () => fishersMethod(),
  'sum of p': () => fishersMethodOfTheCode(),
  'one-class SVM': () => layerwiseSvm(),
  // other combinations of layers
  'layer-wise Student-t': () => layerwiseStudentT(),
  'layer-wise kernel density': () => layerwiseKernelDensity(),
  'layer-wise harmonic mean of p': () => layerwiseHarmonicMeanP(),
  'layer-wise shrunk Gaussian': () => layerwiseShrunkGaussian(),
  'layer-wise 50 principal components': () => layerwisePrincipalComponents(),
  'layer-wise 5 nearest neighbours': () => layerwiseNeighbours(),
  'layer-wise isolation forest': (seed: number) => layerwiseIsolationForest(seed),
  'layer-wise one common factor': () => layerwiseFactors(1),
  'strangest of neighbours, factors and typicality': () =>
    strangestOf(
      [layerwiseNeighbours(), layerwiseFactors(5), typicality()],
      'strangest of neighbours, factors and typicality',
    ),
  'neighbours of mean log norms and likelihood': neighboursOfMeans,
  'density of the log-likelihood': () => dose(['log-likelihood'], 'density of the log-likelihood'),
  // baselines that need columns of their own
  'input complexity': inputComplexity,
  'likelihood ratio': likelihoodRatio,
  'likelihood regret': likelihoodRegret,
  DoSE: () => dose(FLOW_STATISTICS),
  'DoSE, support': () => doseSupport(FLOW_STATISTICS),
  'DoSE of the posterior': () => dose(POSTERIOR_STATISTICS, 'DoSE of the posterior'),
  'DoSE of the posterior, support': () =>
    doseSupport(POSTERIOR_STATISTICS, 'DoSE of the posterior, support'),
  'score statistic + typicality': () => scoreStatisticAndTypicality(),
  'pixel statistics': () => combine([raw('pixel-statistic')], shrunkGaussian(), 'pixel statistics'),
  'layer-wise diagonal Fisher norm': () =>
    combine([log('diagonal-fisher-norm')], independentNormals(), 'layer-wise diagonal Fisher norm'),
  'multi-timestep score norms': () =>
    combine([log('score-norm')], nearestNeighbours(5), 'multi-timestep score norms'),
} satisfies Record<string, (seed: number) => Detector>;

export const COMBINERS = {
  'independent normals': independentNormals,
  sum,
  'chi-square': () => chiSquareDensities('size'),
  'chi-square with effective freedom': () => chiSquareDensities('effective'),
  "Fisher's method": fisherP,
  'sum of p': sumOfP,
  'harmonic mean of p': harmonicMeanP,
  'Student-t': studentT,
  'kernel density': kernelDensity,
  'shrunk Gaussian': shrunkGaussian,
  '50 principal components': () => principalComponents(50),
  '5 nearest neighbours': () => nearestNeighbours(5),
  '5 nearest neighbours, half whitened': () => whitenedNeighbours(),
  'isolation forest': (seed: number) => isolationForest({ seed }),
  'one common factor': () => commonFactors(1),
  'one-class SVM': () => oneClassSvm(),
} satisfies Record<string, (seed: number) => Combiner>;

/**
 * The detector of a name.
 * @throws {FisherlabError} if the name is not known, listing those that are
 */
export function detector(name: string, seed = 0): Detector {
  assertKnown('detector', name, Object.keys(DETECTORS) as (keyof typeof DETECTORS)[]);
  return DETECTORS[name](seed);
}

/**
 * The combiner of a name.
 * @throws {FisherlabError} if the name is not known, listing those that are
 */
export function combiner(name: string, seed = 0): Combiner {
  assertKnown('combiner', name, Object.keys(COMBINERS) as (keyof typeof COMBINERS)[]);
  return COMBINERS[name](seed);
}
