/**
 * # Shards: the same work on many machines
 *
 * The images are cut into P *parts* of a fixed number of images (`cutEvery`). Shard i of n has the
 * parts from ⌊i·P/n⌋ up to, but not including, ⌊(i+1)·P/n⌋. The parts depend only on the images and
 * the batch sizes, so the rows of all shards in order are the rows of a single run, bit for bit,
 * whatever n is. A part consists of whole batches, so no batch crosses an edge.
 */
import { FisherlabError } from '../errors';

/** Shard number `index` of `count`, counted from 0. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** Images `from` to `to` (exclusive). */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/** All of the work in one shard. */
export const WHOLE: Shard = { index: 0, count: 1 };

/**
 * The parts of a shard of `images` images.
 * @throws {FisherlabError} if there are fewer parts than shards
 */
export function partsOf({ index, count }: Shard, images: number, cut: number): Part[] {
  const parts = Math.ceil(images / cut);
  if (parts < count) {
    throw new FisherlabError(
      `${images} images have ${parts} parts of ${cut}, too few for ${count} shards`,
      `ask for ${parts} shards at most`,
    );
  }
  const [first, end] = [index, index + 1].map((k) => Math.floor((k * parts) / count));
  return Array.from({ length: (end as number) - (first as number) }, (_, k) => {
    const from = ((first as number) + k) * cut;
    return { from, to: Math.min(from + cut, images) };
  });
}
