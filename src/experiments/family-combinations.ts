/**
 * # Which combination beats the paper's, for every family?
 *
 * Gradient norms say nearly everything about a flow's strangers, and little about those of a VAE of
 * the paper's kind: its log norms vary so much among familiar images, and all layers together, that
 * a stranger's larger error hides in the sum of squared z. The likelihood, which fails for flows,
 * sees these. What is good for all families must listen to both.
 *
 * Candidates use no more than what one pass of the paper's method gives, squared norms and
 * log-likelihood. They differ in how layers are combined, and in whether typicality has a vote: as
 * one more column, or as one of several detectors of which the strangest decides (`strangestOf`).
 */
import type { Detector } from '../detectors/index';
import {
  combine,
  combiner,
  commonFactors,
  detector,
  layerwise,
  layerwiseFactors,
  layerwiseNeighbours,
  log,
  raw,
  strangestOf,
  typicality,
} from '../detectors/index';
import { shippedModels } from '../models/index';
import type { Candidate } from './candidates';
import { familyModels, familyPairs } from './pairs';
import { FAMILY_ROUND } from './results-file';
import type { Round } from './rounds';

const NORMS_AND_LIKELIHOOD = [log('squared-norm'), raw('log-likelihood')] as const;

/** Detectors that take part alone or together. */
const PARTS: Record<string, () => Detector> = {
  'one common factor': () => layerwiseFactors(1),
  '5 common factors': () => layerwiseFactors(5),
  '5 nearest neighbours': () => layerwiseNeighbours(),
  'shrunk Gaussian': () => detector('layer-wise shrunk Gaussian'),
  'the paper’s': () => layerwise(),
  typicality,
};

const alone = (name: string): Candidate => ({ name, detector: PARTS[name] as () => Detector });

const strangest = (...parts: string[]): Candidate => ({
  name: `strangest of ${parts.join(', ')}`,
  detector: () => strangestOf(parts.map((part) => (PARTS[part] as () => Detector)())),
});

const columns = (name: string, make: () => Detector): Candidate => ({
  name: `log-likelihood as a column, ${name}`,
  detector: make,
});

const CANDIDATES: readonly Candidate[] = [
  ...Object.keys(PARTS)
    .filter((name) => name !== 'the paper’s')
    .map(alone),
  columns('one common factor', () => combine(NORMS_AND_LIKELIHOOD, commonFactors(1))),
  columns('5 common factors', () => combine(NORMS_AND_LIKELIHOOD, commonFactors(5))),
  columns('shrunk Gaussian', () => combine(NORMS_AND_LIKELIHOOD, combiner('shrunk Gaussian'))),
  strangest('the paper’s', 'typicality'),
  strangest('one common factor', 'typicality'),
  strangest('5 common factors', 'typicality'),
  strangest('5 nearest neighbours', 'typicality'),
  strangest('one common factor', '5 common factors', 'typicality'),
  strangest('5 nearest neighbours', '5 common factors', 'typicality'),
  strangest('5 nearest neighbours', 'one common factor', '5 common factors', 'typicality'),
  strangest('one common factor', 'shrunk Gaussian', 'typicality'),
];

/** Models of the round that are not there yet. */
function notShipped(): string[] {
  const shipped = shippedModels();
  return familyModels().filter((model) => !shipped.includes(model));
}

/**
 * The round of all shipped models. The number tried counts sums instead of the largest, p-values in
 * the place of standard units, and other numbers of factors, looked at on the same development
 * pairs.
 */
export function familyCombinations(): Round {
  const lacking = notShipped();
  return {
    candidates: CANDIDATES,
    images: 1000,
    tried: 82,
    chosen: 'strangest of 5 nearest neighbours, 5 common factors, typicality',
    development: familyPairs('choosing'),
    reporting: familyPairs('reporting'),
    missing: lacking.length === 0 ? 'nothing' : `models not trained yet: ${lacking.join(', ')}`,
    file: FAMILY_ROUND,
  };
}
