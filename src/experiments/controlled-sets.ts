/**
 * # Strangers that pixel statistics cannot see
 *
 * Most pairs of sets are told apart by nine numbers of their pixels (`pixel-baseline.ts`). What a
 * model sees *beyond* them is asked by sets that were made so that these numbers say little, from
 * images of the model's own set that it was not trained on:
 *
 * - `unaltered`: those images themselves. Nobody should find them strange; a detector that does
 *   tells training images from test images.
 * - `upside down`, `patches shuffled`, `halves joined` (`data/rearranged.ts`),
 * - `phases scrambled` (`data/surrogate.ts`): familiar pixels in places where they do not belong;
 * - `X, matched`: images of another set X with the spectrum and the histogram of familiar ones;
 * - `X, nearest`: those of X's test images that come nearest in the nine numbers.
 *
 * All are made anew by recipe and seed; no image of them is stored.
 */
import {
  dataset,
  type Images,
  joinedHalves,
  picked,
  scrambledPhases,
  shuffled,
  shuffledPatches,
  surrogates,
  upsideDown,
} from '../data/index';
import { FisherlabError } from '../errors';
import { nearestSubset } from '../features/index';
import type { CheckpointHeader } from '../models/index';
import { deriveSeed } from '../numerics/index';

/** Images of each set; every model of colour images has held out 500. */
export const CONTROLLED_IMAGES = 300;

/**
 * The controlled sets of a model, `unaltered` first.
 * @param others names of the sets to dress as its own
 * @throws {FisherlabError} if the images that were held out of training are not on this machine, or
 *   too few
 */
export async function controlledSets(
  { data }: Pick<CheckpointHeader, 'data'>,
  others: readonly string[],
  seed: number,
  count = CONTROLLED_IMAGES,
): Promise<Images[]> {
  const train = await dataset(data.name, 'train');
  if (data.validation < count || train.count !== data.images + data.validation)
    throw new FisherlabError(
      `'${data.name}' has no ${count} training images here that the model was not trained on`,
      'name the data it was trained on in FISHERLAB_DATA, or ask for fewer',
    );
  const familiar: Images = {
    ...picked(train, upTo(data.images, data.images + count)),
    name: 'unaltered',
  };
  const sets = [
    familiar,
    upsideDown(familiar),
    shuffledPatches(familiar, deriveSeed(seed, 1)),
    joinedHalves(familiar),
    scrambledPhases(familiar, deriveSeed(seed, 2)),
  ];
  for (const name of others) {
    const strangers = shuffled(await dataset(name, 'test'), seed);
    sets.push(surrogates(picked(strangers, upTo(0, count)), familiar));
    sets.push(nearestSubset(strangers, familiar));
  }
  return sets;
}

const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, k) => from + k);
