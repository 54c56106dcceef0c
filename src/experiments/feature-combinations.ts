/**
 * # Which combination beats the paper's detector, for one flow?
 *
 * Lists the candidates tried on the development pairs and names the one chosen there. The paper's
 * detector makes two approximations: the gradient of a layer is reduced to one number, its squared
 * norm, and the layers are treated as independent. Each candidate replaces one of these
 * approximations, or both:
 *
 * - *features*: the norm under the exact damped Fisher information of the layer, gᵀ(F̂_j + λ_j
 *   I)⁻¹g, or under its diagonal or Kronecker-factored approximation; the 1-norm; the largest
 *   entry;
 * - *combinations*: distances to neighbours, principal components, heavier tails, and common
 *   factors that are counted only once (`commonFactors`).
 *
 * This round is about one grey flow, whose gradients say nearly everything;
 * `family-combinations.ts` is about all families, where they do not.
 */
import {
  type Combiner,
  combine,
  combiner,
  commonFactors,
  independentNormals,
  log,
  nearestNeighbours,
  principalComponents,
  raw,
} from '../detectors/index';
import type { Candidate } from './candidates';
import { DEVELOPMENT_PAIRS, REPORTING_PAIRS } from './pairs';
import { FLOW_ROUND } from './results-file';
import type { Round } from './rounds';

const FEATURES = {
  'squared norm': 'squared-norm',
  '1-norm': 'one-norm',
  maximum: 'maximum',
  'diagonal Fisher norm': 'diagonal-fisher-norm',
  'Kronecker Fisher norm': 'kronecker-fisher-norm',
  'damped Fisher norm': 'damped-fisher-norm',
} as const;

const COMBINATIONS: Record<string, (seed: number) => Combiner> = {
  'independent normals': independentNormals,
  'Student-t': (seed) => combiner('Student-t', seed),
  '5 nearest neighbours': () => nearestNeighbours(5),
  '20 nearest neighbours': () => nearestNeighbours(20),
  '10 principal components': () => principalComponents(10),
  'one common factor': () => commonFactors(1),
  'two common factors': () => commonFactors(2),
};

/** One candidate: the logarithms of a feature of every layer, combined in one way. */
function candidate(feature: keyof typeof FEATURES, combination: string): Candidate {
  return {
    name: `${feature}, ${combination}`,
    features: [FEATURES[feature]],
    detector: (seed) =>
      combine(
        [log(FEATURES[feature])],
        (COMBINATIONS[combination] as (seed: number) => Combiner)(seed),
      ),
  };
}

/**
 * Every feature with the most promising combinations, and the paper's norm and the exact norm with
 * all combinations. All are compared with the paper's own detector.
 */
const CANDIDATES: readonly Candidate[] = [
  ...Object.keys(COMBINATIONS)
    .slice(1)
    .map((combination) => candidate('squared norm', combination)),
  ...Object.keys(COMBINATIONS).map((combination) => candidate('damped Fisher norm', combination)),
  ...(['1-norm', 'maximum', 'diagonal Fisher norm', 'Kronecker Fisher norm'] as const).flatMap(
    (feature) =>
      ['independent normals', 'one common factor'].map((combination) =>
        candidate(feature, combination),
      ),
  ),
  {
    name: 'damped Fisher norm and maximum, one common factor',
    features: ['damped-fisher-norm', 'maximum'],
    detector: () => combine([log('damped-fisher-norm'), log('maximum')], commonFactors(1)),
  },
  {
    name: 'damped Fisher norm and parts of the log-likelihood, one common factor',
    features: ['damped-fisher-norm', 'log-prior', 'log-determinant', 'input-gradient-norm'],
    detector: () =>
      combine(
        [
          log('damped-fisher-norm'),
          raw('log-prior'),
          raw('log-determinant'),
          log('input-gradient-norm'),
        ],
        commonFactors(1),
      ),
  },
];

/**
 * The round of one grey flow. Some 130 other candidates were tried before and given up: other
 * dampings, numbers of factors and neighbours, projections, one-sided sums.
 */
export const FEATURE_COMBINATIONS: Round = {
  candidates: CANDIDATES,
  images: 600,
  tried: 150,
  chosen: 'damped Fisher norm, one common factor',
  development: DEVELOPMENT_PAIRS,
  reporting: REPORTING_PAIRS,
  missing: 'models of colour images and of other families: the round of all families asks them',
  file: FLOW_ROUND,
};
