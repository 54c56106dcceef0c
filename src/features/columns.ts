/**
 * # Every column a model can have
 *
 * Which columns there are depends on the family: a flow has two parts of log p, a VAE an encoder to
 * regret, a diffusion model a score at every noise level. What a detector needs that a model does
 * not have is no failure: that detector is left out for that model, and the reason is said.
 *
 * | statistic | columns | of |
 * |---|---|---|
 * | `flow-parts` | `log-prior`, `log-determinant` | flows |
 * | `posterior-parts` | `posterior-cross-entropy`, `posterior-entropy`, `divergence`, `distortion` | VAE |
 * | `complexity` | `complexity-bits` | models whose objective is in nats of the image: flows, VAE |
 * | `background` | `background-log-likelihood` | models with a background model beside them |
 * | `likelihood-regret` | `likelihood-regret` | VAE |
 * | `score-norms` | `score-norm`, one a timestep | diffusion |
 * | `diagonal-fisher` | `diagonal-fisher-norm`, one a layer | all |
 */

import type { FeatureTable } from '../detectors/index';
import { DETECTORS } from '../detectors/index';
import {
  Diffusion,
  disposeModel,
  Glow,
  type LoadedModel,
  loadModel,
  shippedBackgroundOf,
  Vae,
} from '../models/index';
import { backgroundLikelihood } from './background';
import { complexity } from './complexity';
import { flowParts } from './flow-parts';
import { likelihoodRegret } from './likelihood-regret';
import { POSTERIOR_PARTS, posteriorParts } from './posterior-parts';
import { scoreNorms } from './score-norms';
import type { ImageStatistic } from './statistic';

export { diagonalTables, type Reference, referenceImages } from './diagonal-fisher';
export { beside, type ImageStatistic, statisticTable, summedInBatches } from './statistic';

/**
 * The statistics of single images that a model can have. Call `dispose` when done: it frees a
 * background model.
 */
export function statisticsOf(
  loaded: LoadedModel,
  seed: number,
): { statistics: ImageStatistic[]; dispose(): void } {
  const { model, checksum } = loaded;
  const statistics: ImageStatistic[] = [];
  if (model instanceof Glow) statistics.push(flowParts(model, checksum, seed), complexity());
  if (model instanceof Vae)
    statistics.push(
      posteriorParts(model, checksum, seed),
      complexity(),
      likelihoodRegret(model, checksum, seed),
    );
  if (model instanceof Diffusion) statistics.push(scoreNorms(model, checksum));
  const name = shippedBackgroundOf(loaded.header);
  const background = name === undefined ? undefined : loadModel(name);
  if (background !== undefined) statistics.push(backgroundLikelihood(background, seed));
  return {
    statistics,
    dispose: () => {
      if (background !== undefined) disposeModel(background.model);
    },
  };
}

type Method = keyof typeof DETECTORS;

/** The columns that a detector reads besides log-likelihood and squared norms. */
const NEEDS: Partial<Record<Method, readonly string[]>> = {
  'input complexity': ['complexity-bits'],
  'likelihood ratio': ['background-log-likelihood'],
  'likelihood regret': ['likelihood-regret'],
  DoSE: ['log-prior', 'log-determinant'],
  'DoSE, support': ['log-prior', 'log-determinant'],
  'DoSE of the posterior': POSTERIOR_PARTS,
  'DoSE of the posterior, support': POSTERIOR_PARTS,
  'score statistic + typicality': ['diagonal-fisher-norm'],
  'layer-wise diagonal Fisher norm': ['diagonal-fisher-norm'],
  'multi-timestep score norms': ['score-norm'],
};

/** The columns a detector reads besides log-likelihood and squared norms. */
export function needsOf(method: string): readonly string[] {
  return NEEDS[method as Method] ?? [];
}

/** The detectors that find their columns in a table, and those that do not, with what they lack. */
export function methodsFor(table: FeatureTable): {
  methods: string[];
  without: { method: string; lacks: string }[];
} {
  const there = new Set(table.columns.map((column) => column.feature));
  const lacking = (method: string) => needsOf(method).filter((feature) => !there.has(feature));
  const all = Object.keys(DETECTORS);
  return {
    methods: all.filter((method) => lacking(method).length === 0),
    without: all.flatMap((method) => {
      const lacks = lacking(method);
      return lacks.length === 0 ? [] : [{ method, lacks: lacks.join(', ') }];
    }),
  };
}
