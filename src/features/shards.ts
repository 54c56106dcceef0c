/**
 * # Shards: the same work on many machines
 *
 * Images are cut into *parts* of a fixed number of images (`cutEvery`), and a shard i of n has the
 * parts from ⌊i·P/n⌋ up to ⌊(i+1)·P/n⌋ of all P. Which parts there are depends on the images and
 * the batch sizes alone, so the rows of all shards, in order, are those of one run, bit for bit,
 * whatever n is; and since a part has whole batches, no batch crosses an edge.
 */
import { FisherlabError } from '../errors';

/** The `index`-th of `count` shards, from 0 on. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** Images `from` to `to` (exclusive). */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/** All the work there is. */
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
