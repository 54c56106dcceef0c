/**
 * # Strange images that pixel statistics cannot see
 *
 * Nine statistics of the pixels tell most pairs of sets apart (`pixel-baseline.ts`). To find out
 * what a model sees *beyond* them, we make sets on which these statistics say little. Most are made
 * from images of the model's own set that were held out of training:
 *
 * - `unaltered`: the held-out images themselves. No detector should find them strange; one that
 *   does can tell training images from test images.
 * - `upside down`, `patches shuffled`, `halves joined` (`data/rearranged.ts`),
 * - `phases scrambled` (`data/surrogate.ts`): familiar pixels in the wrong places;
 * - `X, matched`: images of another set X with the spectrum and the histogram of familiar ones;
 * - `X, nearest`: the test images of X whose nine statistics are nearest to those of familiar
 *   images.
 *
 * All are made from recipe and seed whenever they are needed; their images are not stored.
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

/** Images of each set; every model of colour images has 500 held-out images. */
export const CONTROLLED_IMAGES = 300;

/**
 * The controlled sets of a model, `unaltered` first.
 * @param others names of the sets to match to its own
 * @throws {FisherlabError} if the held-out images are not on this machine, or are too few
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
      `'${data.name}' has fewer than ${count} images here that were held out of training`,
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
