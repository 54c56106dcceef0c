/**
 * # Feature tables for trials
 *
 * A trial (`experiments/trial.ts`) looks at a model's own test set and at other test sets, and uses
 * no training images. Fitted features learn from the first images of the model's own test set,
 * which are then left out of its table.
 */

import { deriveSeed } from '../backend/index';
import { dataset, shuffled } from '../data/index';
import type { FeatureTable, NamedTable } from '../detectors/index';
import { FisherlabError } from '../errors';
import type { LoadedModel } from '../models/index';
import { MEAN_LOG_NORM, tableOf, withMeanLogNorms } from './mean-log-norm';
import { REFERENCE, slice } from './reference';
import { type FeatureChoice, featureTables, type TableOptions } from './tables';

export interface TrialTableOptions extends Omit<TableOptions, 'features' | 'reference'> {
  /** Images of each set, besides the reference; by default all. */
  readonly images?: number;
  /** Images of the model's own set, besides the reference; by default as many as of the others. */
  readonly ownImages?: number;
  /** How many images fitted features learn from: 256 by default. */
  readonly reference?: number;
  /**
   * The seed that shuffles each set (`data/shuffled.ts`) before its first images are taken. By
   * default the order of the files is kept, as in the paper.
   */
  readonly order?: number;
}

/**
 * Tables `[b][s]` of batch size b and set s, the model's own first: the log-likelihood, the squared
 * norms, and every feature of `features`.
 * @throws {FisherlabError} if there are too few images, or for the reasons of `featureTables`
 */
export async function trialTables(
  loaded: LoadedModel,
  sets: { readonly in: string; readonly out: readonly string[] },
  features: readonly FeatureChoice[],
  options: TrialTableOptions,
): Promise<NamedTable[][]> {
  const { images, ownImages = images, reference = REFERENCE, order, ...shared } = options;
  const part = async (name: string, limit = Infinity) => {
    if (order === undefined) return dataset(name, 'test', Number.isFinite(limit) ? { limit } : {});
    const whole = await dataset(name, 'test');
    return slice(shuffled(whole, order), 0, Math.min(limit, whole.count));
  };
  const whole = await part(sets.in, ownImages === undefined ? ownImages : ownImages + reference);
  if (whole.count < reference + 2 * Math.max(...shared.batchSizes)) {
    throw new FisherlabError(
      `'${sets.in}' has ${whole.count} images, too few for ${reference} reference images and others to score`,
      'take a smaller reference or more images',
    );
  }
  const names = [sets.in, ...sets.out];
  const data = [slice(whole, reference, whole.count)];
  for (const name of sets.out) data.push(await part(name, images));
  const ofMeans = features.includes(MEAN_LOG_NORM);
  const tables = await featureTables(loaded, data, {
    ...shared,
    batchSizes: ofMeans ? [...new Set([1, ...shared.batchSizes])] : shared.batchSizes,
    features: features.filter((feature) => feature !== MEAN_LOG_NORM),
    reference: {
      images: slice(whole, 0, reference),
      seed: deriveSeed(shared.seed, 9),
      words: `the first ${reference} test images of ${sets.in}`,
    },
  });
  return shared.batchSizes.map((B) =>
    names.map((name, s) => {
      const ofSet = tables[s] as FeatureTable[];
      return { name, table: ofMeans ? withMeanLogNorms(ofSet, B) : tableOf(ofSet, B) };
    }),
  );
}
