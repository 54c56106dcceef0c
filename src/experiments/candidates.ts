/**
 * # Candidates: ideas to be tried
 *
 * A candidate is what a trial (`trial.ts`) compares: the features it looks at, the noise its images
 * have, and the detector that makes a score of them. Noise is a choice
 * (`features/noise-indices.ts`): the paper's detector and most others look at each image with noise
 * of its own, and a candidate may look at all with the same.
 */
import { type Detector, layerwise, type NamedTable } from '../detectors/index';
import {
  BY_POSITION,
  type FeatureChoice,
  type NoiseIndices,
  type TrialTableOptions,
  trialTables,
} from '../features/index';
import type { LoadedModel } from '../models/index';
import type { PairSet, Purpose } from './pairs';

export interface Candidate {
  /** As it stands in tables and in the record of looks. */
  readonly name: string;
  /**
   * Features besides the squared norms and the log-likelihood: names (of `FEATURES`), or features
   * of one's own.
   */
  readonly features?: readonly FeatureChoice[];
  /** Which noise the images have, by the model's family; each its own if left out. */
  readonly noise?: (family: string) => NoiseIndices;
  /** The detector, made anew for each fit. Must be a function of the seed. */
  readonly detector: (seed: number) => Detector;
}

/** What every candidate is compared with. */
export const PAPER: Candidate = { name: 'layer-wise gradients', detector: () => layerwise() };

/** Which noise a candidate's images have. */
export const noiseOf = ({ noise }: Candidate, { model }: LoadedModel) =>
  noise?.(model.family) ?? BY_POSITION;

/** The tables `[b][s]` of every noise that a candidate looks at. */
export async function tablesByNoise(
  loaded: LoadedModel,
  set: PairSet<Purpose>,
  candidates: readonly Candidate[],
  options: TrialTableOptions,
): Promise<Map<NoiseIndices, NamedTable[][]>> {
  const tables = new Map<NoiseIndices, NamedTable[][]>();
  for (const noiseIndices of new Set(candidates.map((candidate) => noiseOf(candidate, loaded)))) {
    const features = candidates
      .filter((candidate) => noiseOf(candidate, loaded) === noiseIndices)
      .flatMap((candidate) => candidate.features ?? []);
    tables.set(
      noiseIndices,
      await trialTables(loaded, set, features, { ...options, noiseIndices }),
    );
  }
  return tables;
}
