/**
 * # From shards to one file
 *
 * The shards of a table are joined in order, a few thousand rows at a time. The result is the file
 * that a single run would have made, byte for byte. (Different kinds of processors may differ in
 * the last bits; the file records which kinds there were.) All shards must exist and be made from
 * the same things before anything is joined. If some are missing, the error gives the commands that
 * make exactly those. The shards stay where they are.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { FisherlabError } from '../errors';
import { piecesOf, removeEmptyFoldersOfParts, tableFileOf } from './model-shard';
import { commandOf, differences, type FileOrigin, joinedOrigin, type OfShard } from './origin';
import type { Shard } from './shards';
import { TableFile, writeTableFile } from './table-file';

export interface MergeOptions {
  /** Called with the file, how many of its shards are done, and how many there are. */
  readonly progress?: (what: string, done: number, total: number) => void;
  /** Stops the work before the next shard; no incomplete file is left. */
  readonly signal?: AbortSignal;
}

export interface Merged {
  readonly file: string;
  readonly rows: number;
  readonly shards: number;
  /**
   * The kinds of processors that made it; numbers of different kinds may differ in the last bit.
   */
  readonly processors: readonly string[];
}

interface ShardFile {
  readonly file: string;
  readonly rows: number;
  readonly origin: FileOrigin;
  readonly batchSize: number;
  readonly shard: Shard;
  /** The checksums of its parts. */
  readonly parts: readonly string[];
}

/**
 * Joins every table that has shards in `folder`.
 * @throws {FisherlabError} if there are no shards, some are missing, or some were made from
 *   something else
 * @throws the reason of `signal`, once it is aborted
 */
export async function mergeShards(folder: string, options: MergeOptions = {}): Promise<Merged[]> {
  const tables = await shardsIn(folder);
  assertComplete([...tables.values()], folder);
  const merged: Merged[] = [];
  for (const [file, shards] of tables) {
    const [first, ...others] = shards.map(({ origin }) => origin);
    const parts = shards.flatMap((shard) => shard.parts);
    const origin = joinedOrigin([first as FileOrigin, ...others], parts);
    let done = 0;
    const files = shards.map((shard) => shard.file);
    await writeTableFile(file, origin, counted());
    merged.push({
      file,
      rows: shards.reduce((sum, { rows }) => sum + rows, 0),
      shards: shards.length,
      processors: origin.processors,
    });
    async function* counted() {
      for (const one of files) {
        yield* piecesOf([one], options.signal);
        options.progress?.(path.basename(file), ++done, files.length);
      }
    }
  }
  await removeEmptyFoldersOfParts(folder);
  return merged;
}

/** The shards of each table in order, keyed by the file they are joined into. */
async function shardsIn(folder: string): Promise<Map<string, ShardFile[]>> {
  const within = path.join(folder, 'shards');
  const names = (await readdir(within).catch(() => [])).filter((name) => name.endsWith('.parquet'));
  const tables = new Map<string, ShardFile[]>();
  for (const name of names.sort()) {
    const shard = await shardOf(path.join(within, name));
    const file = tableFileOf(folder, shard.origin, shard.batchSize, { index: 0, count: 1 });
    tables.set(file, [...(tables.get(file) ?? []), shard]);
  }
  if (tables.size === 0)
    throw new FisherlabError(
      `there are no shards in '${folder}'`,
      `make them: fisherlab features --model … --in … --to ${folder} --shard 0/2, and 1/2`,
    );
  for (const shards of tables.values()) shards.sort((a, b) => a.shard.index - b.shard.index);
  return tables;
}

async function shardOf(file: string): Promise<ShardFile> {
  const opened = await TableFile.open(file);
  const { shard, parts, ...origin } = opened.origin as FileOrigin & Partial<OfShard>;
  if (shard === undefined || parts === undefined)
    throw new FisherlabError(`'${file}' is not a shard`, 'move it out of that folder');
  const { rows, batchSize } = opened;
  const [index, count] = shard;
  return { file, rows, batchSize, origin, parts, shard: { index, count } };
}

/** @throws {FisherlabError} if a shard is missing or differs from the others, naming all of them */
function assertComplete(tables: readonly (readonly ShardFile[])[], folder: string): void {
  const commands = new Set<string>();
  const missing: string[] = [];
  for (const shards of tables) {
    const { origin, shard, file } = shards[0] as ShardFile;
    for (const other of shards) {
      const others = [
        ...differences(origin, other.origin),
        ...(other.shard.count === shard.count ? [] : ['the number of shards']),
      ];
      if (others.length > 0)
        throw new FisherlabError(
          `'${other.file}' and '${file}' were not made from the same things (${others.join(', ')})`,
          'delete the wrong ones and make them again',
        );
    }
    const there = new Set(shards.map(({ shard: { index } }) => index));
    for (let index = 0; index < shard.count; index++) {
      if (there.has(index)) continue;
      missing.push(
        path.basename(
          tableFileOf(folder, origin, shards[0]?.batchSize as number, {
            index,
            count: shard.count,
          }),
        ),
      );
      commands.add(`${commandOf(origin, folder)} --shard ${index}/${shard.count}`);
    }
  }
  if (missing.length > 0)
    throw new FisherlabError(
      `${missing.length} ${missing.length === 1 ? 'shard is' : 'shards are'} missing: ${missing.join(', ')}`,
      `make them:\n${[...commands].map((command) => `  npx ${command}`).join('\n')}`,
    );
}
