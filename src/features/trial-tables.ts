/**
 * # Feature tables for trials
 *
 * What a trial (`experiments/trial.ts`) looks at: a model's own test set and others, without
 * training images. Fitted features learn from the first images of the model's own test set, which
 * are then left out of its table.
 */

import { deriveSeed } from '../backend/index';
import { dataset } from '../data/index';
import type { FeatureTable, NamedTable } from '../detectors/index';
import { FisherlabError } from '../errors';
import type { LoadedModel } from '../models/index';
import { REFERENCE, slice } from './reference';
import { type FeatureChoice, featureTables, type TableOptions } from './tables';

export interface TrialTableOptions extends Omit<TableOptions, 'features' | 'reference'> {
  /** Images of each set, besides the reference; all there are if left out. */
  readonly images?: number;
  /** How many images fitted features learn from: 256 by default. */
  readonly reference?: number;
}

/**
 * Tables `[b][s]` of batch size b and set s, the model's own first: the log-likelihood, the squared
 * norms, and every feature of `features`.
 * @throws {FisherlabError} if there are too few images, and as `featureTables` does
 */
export async function trialTables(
  loaded: LoadedModel,
  sets: { readonly in: string; readonly out: readonly string[] },
  features: readonly FeatureChoice[],
  options: TrialTableOptions,
): Promise<NamedTable[][]> {
  const { images, reference = REFERENCE, ...shared } = options;
  const limit = (more: number) => (images === undefined ? {} : { limit: images + more });
  const whole = await dataset(sets.in, 'test', limit(reference));
  if (whole.count < reference + 2 * Math.max(...shared.batchSizes)) {
    throw new FisherlabError(
      `'${sets.in}' has ${whole.count} images, too few for ${reference} as a reference and others to score`,
      'take a smaller reference or more images',
    );
  }
  const names = [sets.in, ...sets.out];
  const data = [slice(whole, reference, whole.count)];
  for (const name of sets.out) data.push(await dataset(name, 'test', limit(0)));
  const tables = await featureTables(loaded, data, {
    ...shared,
    features,
    reference: {
      images: slice(whole, 0, reference),
      seed: deriveSeed(shared.seed, 9),
      words: `the first ${reference} test images of ${sets.in}`,
    },
  });
  return shared.batchSizes.map((_, b) =>
    names.map((name, s) => ({ name, table: tables[s]?.[b] as FeatureTable })),
  );
}
