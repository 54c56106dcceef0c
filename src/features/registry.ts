/**
 * # The features there are
 *
 * Everything that can stand in a column besides the log-likelihood, each by its name:
 *
 * - of a `layer`: a function of the gradient of the joint log-likelihood of a batch
 *   (`gradients/features.ts`); one column, or k, a layer. All models have them;
 * - `fitted`: the same, after it has learnt from reference images (`reference.ts`);
 * - of an `image`: a number of every image, which a batch adds up (`statistic.ts`). Which models
 *   have one is what they can do (`models/capabilities.ts`), not which family they are of.
 *
 * To add a feature, add an entry. Whoever changes what one computes raises its version: no kept
 * table can then be taken for the new numbers.
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
  /** Called with how many images of how many have passed through the model. */
  readonly progress?: (done: number, total: number) => void;
  /** Ends the fit before the next images; no tensor is left. */
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
  /** What makes it, perhaps with others, under its own version; null if not of this model. */
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

/** @throws {FisherlabError} if there is no such feature, listing those there are */
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
