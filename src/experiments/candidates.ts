/**
 * # Candidates: ideas to try
 *
 * A candidate is what a trial (`trial.ts`) compares: the features it looks at, the noise of its
 * images, and the detector that turns them into a score. The noise is a choice
 * (`features/noise-indices.ts`): for the paper's detector and most others, each image has its own
 * noise; a candidate may use the same noise for all.
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
  /** Its name in tables and in the record of looks. */
  readonly name: string;
  /**
   * Features besides the squared norms and the log-likelihood: names (of `FEATURES`), or your own
   * features.
   */
  readonly features?: readonly FeatureChoice[];
  /** Which noise the images get, by the model's family; by default each its own. */
  readonly noise?: (family: string) => NoiseIndices;
  /** Makes a new detector for each fit. It must depend only on the seed. */
  readonly detector: (seed: number) => Detector;
}

/** What every candidate is compared with. */
export const PAPER: Candidate = { name: 'layer-wise gradients', detector: () => layerwise() };

/** Which noise the images of a candidate get. */
export const noiseOf = ({ noise }: Candidate, { model }: LoadedModel) =>
  noise?.(model.family) ?? BY_POSITION;

/** The tables `[b][s]` for every noise that a candidate uses. */
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
