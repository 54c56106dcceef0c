/**
 * # One model's share of the work
 *
 * One shard of the features of one model and one set: which files it makes, which parts exist
 * already, and how the parts are joined into the shard's file (`feature-files.ts`).
 */
import { createHash } from 'node:crypto';
import { access, readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { RowPart } from '../data/index';
import type { FeatureTable } from '../detectors/index';
import { FisherlabError } from '../errors';
import type { Feature } from '../gradients/index';
import type { LoadedModel } from '../models/index';
import { Extractor } from './extract';
import type { AskedModel, FeatureFilesOptions } from './feature-files';
import { only } from './layer-features';
import { BY_PIXELS, byPlaces } from './noise-indices';
import {
  differences,
  type FileOrigin,
  type ImageSource,
  identityOf,
  joinedChecksum,
  joinedOrigin,
  originOf,
  partChecksum,
  type Unread,
} from './origin';
import { entryOf } from './registry';
import { type Part, partsOf, type Shard, WHOLE } from './shards';
import { beside, computedStatistic, type ImageStatistic, summedInBatches } from './statistic';
import { type Piece, TableFile, writeTableFile } from './table-file';

/** The path of a table's file, or of one of its shards. */
export function tableFileOf(
  folder: string,
  { model, images }: Pick<FileOrigin, 'model' | 'images'>,
  B: number,
  { index, count }: Shard,
): string {
  const name = `${model.name}.${images.name.replaceAll(/[^\w.-]/g, '_')}.B${B}`;
  return count === 1
    ? path.join(folder, `${name}.parquet`)
    : path.join(folder, 'shards', `${name}.shard-${index}-of-${count}.parquet`);
}

/** One shard of the features of one model and one set. */
export class ModelShard {
  readonly parts: readonly Part[];
  private readonly loaded: LoadedModel;
  private readonly extractor: Extractor;
  private readonly statistics: readonly ImageStatistic[];
  private readonly names: readonly string[];
  private readonly origin: Unread;
  private readonly folderOfParts: string;
  private readonly shard: Shard;

  constructor(
    { loaded, asked }: AskedModel,
    private readonly source: ImageSource,
    private readonly options: FeatureFilesOptions,
  ) {
    const { batchSizes, seed, folder, features: names = ['squared-norm'] } = options;
    this.loaded = loaded;
    this.shard = options.shard ?? WHOLE;
    this.names = [...new Set(names)];
    assertSize(loaded, source);
    const layers: Feature[] = [];
    const makers = new Set<Parameters<typeof statisticOf>[1]>();
    const versions = new Map<string, number>();
    for (const name of this.names) {
      const entry = entryOf(name);
      if (entry.kind === 'fitted')
        throw new FisherlabError(
          `'${name}' learns from reference images first, and two machines do not learn the same to the last bit`,
          'leave it out; features.featureTables makes its tables in one process',
        );
      if (entry.kind === 'image') makers.add(entry);
      else {
        layers.push(entry.feature);
        versions.set(name, entry.version);
      }
    }
    this.extractor = new Extractor(loaded.model, source.images, {
      batchSizes,
      seed,
      features: layers,
    });
    this.parts = partsOf(this.shard, source.images.count, this.extractor.cut);
    const made = new Map<unknown, ImageStatistic>();
    try {
      for (const entry of makers) {
        const statistic = made.get(entry.statistic) ?? statisticOf(loaded, entry, seed);
        made.set(entry.statistic, statistic);
        versions.set(entry.name, statistic.version);
      }
    } catch (error) {
      for (const statistic of made.values()) statistic.dispose?.();
      throw error;
    }
    this.statistics = [...made.values()];
    const features = this.names.map((name) => ({ name, version: versions.get(name) as number }));
    this.origin = originOf(loaded, asked, source, { seed, features, batchSizes });
    const identity = createHash('sha256').update(identityOf(this.origin)).digest('hex');
    this.folderOfParts = path.join(folder, 'parts', identity.slice(0, 16));
  }

  dispose(): void {
    for (const statistic of this.statistics) statistic.dispose?.();
  }

  files(): string[] {
    const { folder, batchSizes } = this.options;
    return batchSizes.map((B) => tableFileOf(folder, this.origin, B, this.shard));
  }

  /**
   * Whether all files exist.
   * @throws {FisherlabError} if one was made from something else
   */
  async isThere(): Promise<boolean> {
    let all = true;
    for (const file of this.files()) {
      const origin = await originIn(file);
      const others = origin === undefined ? [] : differences(origin, this.origin);
      if (others.length > 0) throw ofOthers(file, others);
      all &&= origin !== undefined;
    }
    return all;
  }

  /** @throws {FisherlabError} if a file exists that was made from other images */
  async assertOf(checksums: readonly string[]): Promise<void> {
    const pixels = joinedChecksum(checksums);
    for (const file of this.files())
      if ((await originIn(file))?.pixels !== pixels) throw ofOthers(file, ['pixels']);
  }

  /**
   * Computes a part, unless it or the whole shard exists.
   * @param images the images of the part
   */
  async make(k: number, images: RowPart): Promise<void> {
    const { batchSizes, progress, signal } = this.options;
    const { from, to } = this.parts[k] as Part;
    const files = batchSizes.map((B) => this.partFile(k, B));
    const done = (images: number) =>
      progress?.(
        `features of ${this.loaded.name} on ${this.source.images.name}`,
        images - (this.parts[0]?.from ?? 0),
        (this.parts.at(-1)?.to ?? 0) - (this.parts[0]?.from ?? 0),
      );
    const pixels = partChecksum(images);
    const there = [];
    for (const file of files) there.push((await originIn(file))?.pixels === pixels);
    if (!there.every(Boolean) && !(await this.isThere())) {
      const tables = await this.tables(images, signal, (count) => done(from + count));
      for (const [b, table] of tables.entries())
        if (!there[b])
          await writeTableFile(files[b] as string, { ...this.origin, pixels }, [
            pieceOf(table, images),
          ]);
    }
    done(to);
  }

  /**
   * Joins the parts into the files of the shard.
   * @param checksums of the images of the parts
   */
  async join(checksums: readonly string[]): Promise<void> {
    const { batchSizes, signal } = this.options;
    const parts = this.parts.map((_, k) => k);
    for (const [b, file] of this.files().entries()) {
      if (await exists(file)) continue;
      const B = batchSizes[b] as number;
      const { index, count } = this.shard;
      const files = parts.map((k) => this.partFile(k, B));
      try {
        // A killed shard may have been resumed on another machine.
        const made: [Unread, ...Unread[]] = [this.origin];
        for (const part of files) made.push((await TableFile.open(part)).origin as Unread);
        const whole = { ...this.origin, ...joinedOrigin(made, checksums) };
        const origin =
          count === 1 ? whole : { ...whole, shard: [index, count], parts: [...checksums] };
        await writeTableFile(file, origin, piecesOf(files, signal));
      } catch (error) {
        // Another process may have made the file in the meantime and removed the parts.
        if (!(await exists(file))) throw error;
      }
    }
    for (const k of parts)
      for (const B of batchSizes) await rm(this.partFile(k, B), { force: true });
    if (this.shard.count === 1) await removeEmptyFoldersOfParts(this.options.folder);
  }

  private partFile(k: number, B: number): string {
    return path.join(this.folderOfParts, `${(this.parts[k] as Part).from}.B${B}.parquet`);
  }

  private async tables(
    images: RowPart,
    signal: AbortSignal | undefined,
    progress: (images: number) => void,
  ): Promise<FeatureTable[]> {
    const stop = signal === undefined ? {} : { signal };
    // The position of your own image means nothing, so its noise comes from its pixels.
    const noise = images.names === undefined ? byPlaces(images.places) : BY_PIXELS;
    const given = { noiseIndices: noise, ...stop };
    const ofLayers = await this.extractor.run(images, { progress, ...given });
    const ofImages: FeatureTable[] = [];
    for (const statistic of this.statistics)
      ofImages.push(await computedStatistic(statistic, images, given));
    return ofLayers.map((table) => {
      const found = [table, ...ofImages.map((each) => summedInBatches(each, table.batchSize))];
      const likelihood = { ...table, columns: table.columns.slice(0, 1) };
      const columns = this.names.map((name) => only(beside(...(found as [FeatureTable])), name));
      return beside(likelihood, ...columns);
    });
  }
}

/** The table of a part, with the first image of each batch. */
function pieceOf(table: FeatureTable, { places, names }: RowPart): Piece {
  const known: readonly (number | string)[] = names ?? places;
  const images = Array.from({ length: table.rows }, (_, row) => known[row * table.batchSize]);
  return { table, images: images as (number | string)[] };
}

function ofOthers(file: string, what: readonly string[]): FisherlabError {
  return new FisherlabError(
    `'${file}' already exists and was made from something else (${what.join(', ')})`,
    'choose another folder, or delete the file',
  );
}

type OfImages = Extract<ReturnType<typeof entryOf>, { kind: 'image' }>;

function statisticOf(loaded: LoadedModel, entry: OfImages, seed: number): ImageStatistic {
  const statistic = entry.statistic(loaded, seed);
  if (statistic === null)
    throw new FisherlabError(
      `the ${loaded.model.family} model '${loaded.name}' has no ${entry.name}`,
      'leave it out, or choose another model',
    );
  return statistic;
}

function assertSize({ name, model }: LoadedModel, { images }: ImageSource): void {
  if (model.imageShape.join() === images.shape.join()) return;
  throw new FisherlabError(
    `images of '${images.name}' are ${images.shape.join('x')}, and the model '${name}' takes ${model.imageShape.join('x')}`,
    'choose a model that takes images of this size',
  );
}

/** The rows of several files, in order. */
export async function* piecesOf(
  files: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<Piece> {
  for (const file of files) {
    signal?.throwIfAborted();
    yield* (await TableFile.open(file)).pieces();
  }
}

/** What a file was made from, without its shard; undefined if there is no file. */
async function originIn(file: string): Promise<FileOrigin | undefined> {
  try {
    const { shard: _, parts: __, ...origin } = (await TableFile.open(file)).origin;
    return origin as FileOrigin;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Removes the folders of parts that are empty. */
export async function removeEmptyFoldersOfParts(folder: string): Promise<void> {
  const all = path.join(folder, 'parts');
  for (const name of await readdir(all).catch(() => []))
    await rmdir(path.join(all, name)).catch(() => {}); // not empty: another process works there
  await rmdir(all).catch(() => {});
}
