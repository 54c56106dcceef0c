/**
 * # Files of features, shard by shard
 *
 * For each model, set and batch size one file, `MODEL.SET.B5.parquet`, or one a shard in the folder
 * `shards` beside it. A shard is made of parts (`shards.ts`), each a file in the folder `parts` as
 * soon as it is computed: whoever runs a killed shard again goes on with the part that was missing.
 * When all parts are there they become the shard's file, which is renamed into its place, and are
 * removed. A part says of which images it is, so that none is taken for that of others.
 *
 * No lock is held, for the processes may be on machines that share nothing but a folder: whoever
 * makes the same shard at the same time computes the same bytes, and writes them whole. A shard
 * that is there already is left as it is.
 *
 * Images are read part by part, and of a shard no others, so that memory does not grow with their
 * number. Several models take each part one after the other: it is read once.
 */
import type { LeftOut } from '../data/index';
import { FisherlabError } from '../errors';
import type { LoadedModel } from '../models/index';
import { ModelShard } from './model-shard';
import { type ImageSource, partChecksum } from './origin';
import type { Shard } from './shards';

export interface FeatureFilesOptions {
  readonly folder: string;
  readonly batchSizes: readonly number[];
  readonly seed: number;
  /** Names of the registry, besides the log-likelihood; the squared norms where left out. */
  readonly features?: readonly string[];
  /** Which share of the images; all where left out. */
  readonly shard?: Shard;
  /** Called after each part: whose features, images done, of how many of this shard. */
  readonly progress?: (what: string, images: number, total: number) => void;
  /** Called with every file or image that cannot be used. */
  readonly leftOut?: (one: LeftOut) => void;
  /** Ends the work before the next pass; finished parts are kept. */
  readonly signal?: AbortSignal;
}

/** A model and the words that named it. */
export interface AskedModel {
  readonly asked: string;
  readonly loaded: LoadedModel;
}

/**
 * Makes the files of features of every model and every set that are not there.
 * @returns all of them
 * @throws {FisherlabError} if a feature is not known, is not of a model, or is fitted; if images
 *   are not of a model's size, are too few for a batch or for so many shards; if a file is there
 *   that was made from something else
 * @throws the reason of `signal`, once it is aborted
 */
export async function makeFeatureFiles(
  models: readonly AskedModel[],
  sources: readonly ImageSource[],
  options: FeatureFilesOptions,
): Promise<string[]> {
  const files: string[] = [];
  for (const source of sources) {
    const shards = models.map((model) => new ModelShard(model, source, options));
    try {
      await makeShards(shards, source, options);
    } finally {
      for (const shard of shards) shard.dispose();
    }
    files.push(...shards.flatMap((shard) => shard.files()));
  }
  return files;
}

/** Makes the same share of the images for each model. */
async function makeShards(
  shards: readonly ModelShard[],
  { images }: ImageSource,
  { leftOut, signal }: FeatureFilesOptions,
): Promise<void> {
  const open: ModelShard[] = [];
  for (const shard of shards) if (!(await shard.isThere())) open.push(shard);
  const checksums: string[] = [];
  // Also where nothing is to be computed: a file that is there must be of these images.
  for await (const part of images.parts(shards[0]?.parts ?? [])) {
    signal?.throwIfAborted();
    for (const one of part.leftOut) leftOut?.(one);
    if (part.count === 0)
      throw new FisherlabError(
        `of '${part.name}' no image can be used`,
        'remove or replace what was left out',
      );
    checksums.push(partChecksum(part));
    for (const shard of open) await shard.make(checksums.length - 1, part);
  }
  for (const shard of open) await shard.join(checksums);
  for (const shard of shards) await shard.assertOf(checksums);
}
