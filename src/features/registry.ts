/**
 * # The registry of features
 *
 * Everything that can be a column besides the log-likelihood, by name:
 *
 * - `layer`: a function of the gradient of the joint log-likelihood of a batch
 *   (`gradients/features.ts`), with one or k columns per layer. All models have these;
 * - `fitted`: the same, but it first learns from reference images (`reference.ts`);
 * - `image`: a number for every image; a batch has the sum (`statistic.ts`). Whether a model has it
 *   depends on what the model can do (`models/capabilities.ts`), not on its family.
 *
 * To add a feature, add an entry. If you change what a feature computes, raise its version, so that
 * tables of the old numbers are not read any more.
 */

import { assertKnown } from '../errors';
import {
  type Draws,
  dampedFisherNorm,
  diagonalFisherNorm,
  kroneckerFisherNorm,
} from '../fisher/index';
import {
  cosineWithMean,
  type Feature,
  maximum,
  oneNorm,
  randomProjections,
  squaredNorm,
} from '../gradients/index';
import type { LoadedModel, Model } from '../models/index';
import { backgroundLikelihood } from './background';
import { complexity } from './complexity';
import { flowParts } from './flow-parts';
import { inputGradient } from './input-gradient';
import { likelihoodRegret } from './likelihood-regret';
import { pixelStatistics } from './pixel-statistics';
import { POSTERIOR_PARTS, posteriorParts } from './posterior-parts';
import { scoreNorms } from './score-norms';
import type { ImageStatistic } from './statistic';

/** A feature that may hold tensors. */
export type Fitted = Feature & { dispose?(): void };

export interface FittingOptions {
  /** Called with how many images have passed through the model, and how many there are. */
  readonly progress?: (done: number, total: number) => void;
  /** Stops the fit before the next images; all tensors are freed. */
  readonly signal?: AbortSignal;
}

interface OfLayers {
  readonly name: string;
  readonly kind: 'layer';
  readonly version: number;
  readonly feature: Feature;
}

interface OfLayersFitted {
  readonly name: string;
  readonly kind: 'fitted';
  readonly version: number;
  fit(model: Model, reference: Draws, options: FittingOptions): Fitted | Promise<Fitted>;
}

interface OfImages {
  readonly name: string;
  readonly kind: 'image';
  /**
   * The statistic that computes it, perhaps with others, with its own version; null if this model
   * does not have it.
   */
  readonly statistic: (loaded: LoadedModel, seed: number) => ImageStatistic | null;
}

export type FeatureEntry = OfLayers | OfLayersFitted | OfImages;

const layer = (feature: Feature, version: number): OfLayers => ({
  name: feature.name,
  kind: 'layer',
  version,
  feature,
});
const fitted = (name: string, version: number, fit: OfLayersFitted['fit']): OfLayersFitted => ({
  name,
  kind: 'fitted',
  version,
  fit,
});
const image = (name: string, statistic: OfImages['statistic']): OfImages => ({
  name,
  kind: 'image',
  statistic,
});

export const FEATURES: readonly FeatureEntry[] = [
  layer(squaredNorm, 1),
  layer(oneNorm, 1),
  layer(maximum, 1),
  layer(randomProjections(2, 1), 1),
  fitted('cosine-with-mean', 1, cosineWithMean),
  fitted('damped-fisher-norm', 1, dampedFisherNorm),
  fitted('diagonal-fisher-norm', 1, diagonalFisherNorm),
  fitted('kronecker-fisher-norm', 1, kroneckerFisherNorm),
  image('log-prior', flowParts),
  image('log-determinant', flowParts),
  ...POSTERIOR_PARTS.map((name) => image(name, posteriorParts)),
  image('complexity-bits', complexity),
  image('likelihood-regret', likelihoodRegret),
  image('score-norm', scoreNorms),
  image('background-log-likelihood', backgroundLikelihood),
  image('input-gradient-norm', inputGradient),
  image('pixel-statistic', pixelStatistics),
];

/** @throws {FisherlabError} if there is no such feature; the message lists those that exist */
export function entryOf(name: string): FeatureEntry {
  assertKnown(
    'feature',
    name,
    FEATURES.map((entry) => entry.name),
  );
  return FEATURES.find((entry) => entry.name === name) as FeatureEntry;
}

/** The names of the features that a model can have. */
export function featuresOf(loaded: LoadedModel): string[] {
  return FEATURES.filter((entry) => {
    if (entry.kind !== 'image') return true;
    const statistic = entry.statistic(loaded, 0);
    statistic?.dispose?.();
    return statistic !== null;
  }).map(({ name }) => name);
}
