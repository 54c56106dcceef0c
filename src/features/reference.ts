/**
 * # Reference images
 *
 * Some features are *fitted* first (mean gradients, Fisher norms): they learn from reference images
 * what is familiar. No image may serve both as a reference and in the tables. Fisher norms of the
 * very images that the Fisher matrix was estimated from are much too small, and a detector fitted
 * on them would find everything else strange. So the reference images are training images, or test
 * images that are then left out of the tables.
 */
import { type DataSetName, type Dataset, dataSet, dataset, find, type Images } from '../data/index';

/** The default number of reference images, as many as in the first trial of exact Fisher norms. */
export const REFERENCE = 256;

export interface Reference {
  readonly images: Images;
  /** The seed of their noise. */
  readonly seed: number;
  /** For tables: `256 training images of cifar10`. */
  readonly words: string;
}

/**
 * The reference images of a model's own set. They are training images. If the training split is not
 * on this machine, they come from the first half of the test set, which also fits the detectors
 * (`words` says which).
 * @throws {FisherlabError} if the set is unknown, or not on this machine
 */
export async function referenceImages(
  name: string,
  seed: number,
  limit?: number,
): Promise<Reference> {
  dataSet(name); // throws if the name is unknown
  const set = name as DataSetName;
  if (find(set, 'train') !== null) {
    const images = await dataset(set, 'train', { limit: Math.min(REFERENCE, limit ?? REFERENCE) });
    return { images, seed, words: `${images.count} training images of ${set}` };
  }
  const test = await dataset(set, 'test', limit === undefined ? {} : { limit });
  const count = Math.min(REFERENCE, Math.max(1, Math.round(test.count / 2)));
  const words = `${count} images of the first half of the test set of ${set}`;
  return { images: slice(test, 0, count), seed, words };
}

/** Images `from` to `to` (exclusive) of a set. */
export function slice(data: Dataset, from: number, to: number): Dataset {
  const size = data.images.length / data.count;
  return {
    ...data,
    images: data.images.subarray(from * size, to * size),
    count: to - from,
    ...(data.labels === undefined ? {} : { labels: data.labels.subarray(from, to) }),
  };
}
