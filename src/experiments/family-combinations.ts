/**
 * # Which combination beats the paper's detector, for every family?
 *
 * For a flow, gradient norms say nearly everything about strange images. For a VAE like the paper's
 * they say little: the log norms of familiar images vary so much, and in all layers together, that
 * the larger error of a strange image disappears in the sum of squared z-scores. The likelihood,
 * which fails for flows, does detect it. So a detector for all families must use both.
 *
 * The candidates use only what one pass of the paper's method gives: squared norms and the
 * log-likelihood. They differ in how layers are combined, and in whether and how typicality takes
 * part: as one more column, or as one of several detectors of which the strangest decides
 * (`strangestOf`).
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

/** The models of the round that do not exist yet. */
function notShipped(): string[] {
  const shipped = shippedModels();
  return familyModels().filter((model) => !shipped.includes(model));
}

/**
 * The round of all shipped models. The number tried also counts variants looked at on the same
 * development pairs: sums instead of maxima, p-values instead of standard units, and other numbers
 * of factors.
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
