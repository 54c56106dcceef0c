/**
 * # Which sets a model is tried on
 *
 * A model is tried on the sets of its kind, colour or grey: its own test set, which is in
 * distribution, and all others. A set that is not on this machine is left out and reported as
 * missing.
 */

import { type DataSetName, dataSet, find } from '../data/index';
import { FisherlabError } from '../errors';

/** The paper's five, in its order; Tiny-ImageNet stands in for ImageNet if that is missing. */
export const COLOUR_SETS = [
  'svhn',
  'celeba',
  'gtsrb',
  'cifar10',
  'imagenet32',
] as const satisfies readonly DataSetName[];
export const GREY_SETS = [
  'fashion_mnist',
  'mnist',
  'kmnist',
  'emnist_letters',
  'omniglot',
] as const satisfies readonly DataSetName[];

/**
 * The sets a model is tried on, its own first, and those of its kind that are not on this machine.
 */
export function setsFor(own: string): { sets: string[]; missing: string[] } {
  const kind: readonly string[] = dataSet(own).channels === 1 ? GREY_SETS : COLOUR_SETS;
  const wanted = kind.map((name) =>
    name === 'imagenet32' && find('imagenet32', 'test') === null ? 'tinyimagenet32' : name,
  );
  const others = wanted.filter((name) => name !== own);
  const here = (name: string) => find(name, 'test') !== null;
  return {
    sets: here(own) ? [own, ...others.filter(here)] : [],
    missing: [own, ...others].filter((name) => !here(name)),
  };
}

/** @throws {FisherlabError} if fewer than two of the sets to try `what` on are on this machine */
export function assertPair(
  what: string,
  sets: readonly string[],
  missing: readonly string[],
): void {
  if (sets.length >= 2) return;
  throw new FisherlabError(
    `${what} has no pair of data sets: ${missing.join(', ')} are not on this machine`,
    'name a folder that has them in FISHERLAB_DATA',
  );
}
