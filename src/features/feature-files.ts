/**
 * # Files of features, shard by shard
 *
 * Each model, set and batch size gets one file, `MODEL.SET.B5.parquet`, or one file per shard in
 * the folder `shards` beside it. A shard consists of parts (`shards.ts`). Each part is written to
 * the folder `parts` as soon as it is computed, so a shard that was killed resumes at the first
 * missing part. When all parts exist, they are joined into the shard's file, which is renamed into
 * its place, and the parts are removed. A part records which images it was made from, so it cannot
 * be mistaken for a part of other images.
 *
 * There is no lock, because the processes may run on machines that share nothing but a folder. Two
 * processes that make the same shard at the same time compute the same bytes, and each writes its
 * file whole. A shard that already exists is left as it is.
 *
 * Images are read one part at a time, and only those of the shard, so memory does not grow with
 * their number. Several models take their turns at each part, so every part is read only once.
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
  /** Names in the registry, besides the log-likelihood; by default the squared norms. */
  readonly features?: readonly string[];
  /** Which share of the images; by default all of them. */
  readonly shard?: Shard;
  /**
   * Called after each part with the model and set, the images done, and the images in this shard.
   */
  readonly progress?: (what: string, images: number, total: number) => void;
  /** Called with every file or image that cannot be used. */
  readonly leftOut?: (one: LeftOut) => void;
  /** Stops the work before the next pass; finished parts are kept. */
  readonly signal?: AbortSignal;
}

/** A model and the name or path it was asked for by. */
export interface AskedModel {
  readonly asked: string;
  readonly loaded: LoadedModel;
}

/**
 * Makes the missing feature files for every model and every set.
 * @returns all files, old and new
 * @throws {FisherlabError} if a feature is unknown, fitted, or not available for a model; if images
 *   do not have the size that a model takes, or are too few for a batch or for this many shards; if
 *   a file exists that was made from something else
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
  // Checked even if there is nothing to compute: an existing file must be of these images.
  for await (const part of images.parts(shards[0]?.parts ?? [])) {
    signal?.throwIfAborted();
    for (const one of part.leftOut) leftOut?.(one);
    if (part.count === 0)
      throw new FisherlabError(
        `no image of '${part.name}' can be used`,
        'replace the images that were left out',
      );
    checksums.push(partChecksum(part));
    for (const shard of open) await shard.make(checksums.length - 1, part);
  }
  for (const shard of open) await shard.join(checksums);
  for (const shard of shards) await shard.assertOf(checksums);
}
