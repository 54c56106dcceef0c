/**
 * # Which combination beats the paper's?
 *
 * The candidates that were tried on the development pairs, by name, and the one that was chosen there. The paper's detector is two approximations: one number for a layer's gradient, its plain squared norm; and layers that are independent. Each candidate replaces one of them, or both:
 *
 * - *features*: the norm under the exact damped Fisher information of the layer, gᵀ(F̂_j + λ_j I)⁻¹g, or its diagonal or Kronecker-factored relative; the 1-norm; the largest entry;
 * - *combinations*: distances to neighbours, principal components, heavier tails, and common factors counted once (`commonFactors`).
 *
 * `featureCombinations` runs all of them, reports the one on the reporting pairs, and says whether the goal of the project is met: mean AUROC up by 0.05, surely, and nowhere down by more than 0.01.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { inCheckout } from '../backend/root';
import { writeBeside } from '../backend/write';
import { type Combiner, combine, log, raw } from '../detectors/combine';
import { commonFactors } from '../detectors/common-factor';
import { combiner } from '../detectors/index';
import { independentNormals } from '../detectors/layerwise';
import { nearestNeighbours } from '../detectors/nearest-neighbours';
import { principalComponents } from '../detectors/principal-components';
import { type Candidate, compare, freeze, goal, type Report, report, type Trial, type TrialOptions } from './trial';

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

/** One candidate: logarithms of a feature of every layer, put together in one way. */
function candidate(feature: keyof typeof FEATURES, combination: string): Candidate {
  return {
    name: `${feature}, ${combination}`,
    features: [FEATURES[feature]],
    detector: (seed) => combine([log(FEATURES[feature])], (COMBINATIONS[combination] as (seed: number) => Combiner)(seed)),
  };
}

/** Every feature with the most promising combinations, and the paper's and the exact norm with all of them. The paper's own is what they are compared with. */
export const CANDIDATES: readonly Candidate[] = [
  ...Object.keys(COMBINATIONS)
    .slice(1)
    .map((combination) => candidate('squared norm', combination)),
  ...Object.keys(COMBINATIONS).map((combination) => candidate('damped Fisher norm', combination)),
  ...(['1-norm', 'maximum', 'diagonal Fisher norm', 'Kronecker Fisher norm'] as const).flatMap((feature) =>
    ['independent normals', 'one common factor'].map((combination) => candidate(feature, combination)),
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
        [log('damped-fisher-norm'), raw('log-prior'), raw('log-determinant'), log('input-gradient-norm')],
        commonFactors(1),
      ),
  },
];

/** What was chosen on the development pairs. */
export const CHOSEN = 'damped Fisher norm, one common factor';

/** All that were ever tried on the development pairs: the candidates above, and some 130 that were looked at before them and given up (other dampings, numbers of factors and neighbours, projections, one-sided sums). */
export const TRIED = 150;

/** The development pairs with every candidate. */
export function developmentTrial(options: TrialOptions = {}): Promise<Trial> {
  return compare(CANDIDATES, { tried: TRIED, ...options });
}

export interface FeatureCombinations {
  readonly images: number | 'all';
  readonly seed: number;
  readonly development: Omit<Trial, 'candidates'>;
  readonly reporting: Report;
  /** What is met of the goal, for each batch size, on these pairs. */
  readonly goal: Readonly<Record<string, ReturnType<typeof goal>>>;
  readonly missing: string;
}

/** Where the result is kept. */
export const FEATURE_COMBINATIONS = inCheckout('data', 'results', 'feature-combinations.json');

/** Runs the whole and writes the result. `images` of each set; all where left out. */
export async function featureCombinations(options: TrialOptions = {}, file = FEATURE_COMBINATIONS): Promise<FeatureCombinations> {
  await mkdir(path.dirname(file), { recursive: true });
  const { candidates: _, ...development } = await developmentTrial(options);
  const reporting = await report(freeze({ ...development, candidates: CANDIDATES }, CHOSEN), options);
  const result: FeatureCombinations = {
    images: options.images ?? 'all',
    seed: options.seed ?? 1,
    development,
    reporting,
    goal: Object.fromEntries((options.batchSizes ?? [1, 5]).map((B) => [`B=${B}`, goal(reporting, CHOSEN, B)])),
    missing: 'models of colour images and of other families: none has been asked',
  };
  await writeBeside(file, `${JSON.stringify(result, null, 1)}\n`);
  return result;
}
