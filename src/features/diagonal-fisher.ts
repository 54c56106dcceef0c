/**
 * # The diagonal Fisher norm as columns
 *
 * Rao's score statistic with a diagonal Fisher matrix, Σ g²/d for every layer, d the mean of g²
 * over *training* images (Bergamin et al. 2022, arXiv 2203.01097; `fisher/diagonal-norm.ts`).
 * Unlike its neighbours here it is a feature of the gradient of the whole batch, not a sum over
 * images. It is fitted first, on `REFERENCE` training images; where the training split is not on
 * this machine, on the first half of the test set, which fits the detectors too (the tables say
 * which).
 */
import { createHash } from 'node:crypto';
import { type DataSetName, type Dataset, dataSet, dataset, find, type Images } from '../data/index';
import type { FeatureTable } from '../detectors/index';
import type { FittedFeature } from '../fisher/index';
import { diagonalFisherNorm, imagesOf } from '../fisher/index';
import type { LoadedModel } from '../models/index';
import { areKept, type ExperimentOptions, tablesOf } from './tables';

/** Reference images. */
const REFERENCE = 256;
const NAME = 'diagonal-fisher-norm';

export interface Reference {
  readonly images: Dataset;
  /** For tables: `256 training images of cifar10`. */
  readonly words: string;
}

/** The reference images of a model's own set. */
export async function referenceImages(name: string, limit?: number): Promise<Reference> {
  dataSet(name); // an unknown name is an error
  const set = name as DataSetName;
  if (find(set, 'train') !== null) {
    const images = await dataset(set, 'train', { limit: Math.min(REFERENCE, limit ?? REFERENCE) });
    return { images, words: `${images.count} training images of ${set}` };
  }
  const test = await dataset(set, 'test', limit === undefined ? {} : { limit });
  const count = Math.min(REFERENCE, Math.max(1, Math.round(test.count / 2)));
  const images = {
    ...test,
    count,
    images: test.images.subarray(0, count * (test.images.length / test.count)),
  };
  return { images, words: `${count} images of the first half of the test set of ${set}` };
}

/**
 * Tables with the log-likelihood and the diagonal Fisher norm of every layer, `[set][batch size]`;
 * fitted only where one of them is not kept.
 */
export async function diagonalTables(
  loaded: LoadedModel,
  sets: readonly Images[],
  { images }: Reference,
  options: Omit<ExperimentOptions, 'features' | 'reference'>,
): Promise<FeatureTable[][]> {
  const reference = createHash('sha256').update(images.images).digest('hex');
  const keyed = { ...options, reference, features: [{ name: NAME, of: unfitted }] };
  let fitted: FittedFeature | undefined;
  if (!sets.every((data) => areKept(loaded, data, keyed))) {
    const indices = Array.from({ length: images.count }, (_, k) => k);
    fitted = await diagonalFisherNorm(
      loaded.model,
      imagesOf(loaded.model, images, indices, options.seed),
    );
  }
  try {
    const tables: FeatureTable[][] = [];
    for (const data of sets) {
      tables.push(
        await tablesOf(
          loaded,
          data,
          fitted === undefined ? keyed : { ...keyed, features: [fitted] },
        ),
      );
    }
    return tables;
  } finally {
    fitted?.dispose();
  }
}

function unfitted(): never {
  throw new Error('all tables were kept a moment ago, and now one is not');
}
