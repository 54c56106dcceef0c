/**
 * # Reference images
 *
 * Some features are *fitted* first (mean gradients, Fisher norms): they learn from reference images
 * what is familiar. No image may be both weighed and a weight: in-sample Fisher norms of the images
 * an estimate was made from are much too small, and a detector fitted on them finds everything
 * strange. So the reference are training images, or images that are then left out of the tables.
 */
import { type DataSetName, type Dataset, dataSet, dataset, find, type Images } from '../data/index';

/** Reference images unless told otherwise: as many as in the first trial of exact Fisher norms. */
export const REFERENCE = 256;

export interface Reference {
  readonly images: Images;
  /** Of their noise. */
  readonly seed: number;
  /** For tables: `256 training images of cifar10`. */
  readonly words: string;
}

/**
 * The reference images of a model's own set: training images; if the training split is not on this
 * machine, the first half of the test set, which fits the detectors too (`words` say which).
 * @throws {FisherlabError} if the set is not known, or is not on this machine
 */
export async function referenceImages(
  name: string,
  seed: number,
  limit?: number,
): Promise<Reference> {
  dataSet(name); // an unknown name is an error
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
