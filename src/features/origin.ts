/**
 * # What a file of features was made from
 *
 * Two files belong together if they were made from the same things. Each file lists what it was
 * made from, so that a reader can check it, and can make the file again with one command. The kinds
 * of processors are listed too, but files of different kinds may be joined, because their numbers
 * differ only by rounding.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inCheckout, tf } from '../backend/index';
import type { ImageRow, RowPart } from '../data/index';
import type { LoadedModel } from '../models/index';
import { processorKind } from './processor';
import { canonicalJson, NUMBERS } from './table-cache';

/** Images as they were asked for. */
export interface ImageSource {
  readonly images: ImageRow;
  /** The words after `--in`: a set, or paths. */
  readonly in: readonly string[];
  /** The number after `--limit`. */
  readonly limit?: number;
}

/** Everything that affects the numbers of a table, except which part of the images it holds. */
export type FileOrigin = {
  readonly program: string;
  /** Raised whenever the program's numbers change. */
  readonly numbers: number;
  readonly backend: string;
  /** The kinds of processors that made it, sorted. Processors of one kind agree in every bit. */
  readonly processors: readonly string[];
  /** `asked` as on the command line: a name or a path. */
  readonly model: { readonly name: string; readonly asked: string; readonly checksum: string };
  readonly images: {
    readonly name: string;
    readonly in: readonly string[];
    readonly limit: number | null;
    readonly count: number;
  };
  /**
   * For a part, the SHA-256 of its images (`partChecksum`). For a file of several parts, the
   * SHA-256 of their checksums in order (`joinedChecksum`), because a process that makes a shard
   * reads no other images.
   */
  readonly pixels: string;
  readonly seed: number;
  readonly features: readonly { readonly name: string; readonly version: number }[];
  readonly batchSizes: readonly number[];
};

/** An origin whose images have not been read yet. */
export type Unread = Omit<FileOrigin, 'pixels'>;

/** What the file of a shard says in addition. */
export type OfShard = {
  /** The number of the shard, and how many shards there are. */
  readonly shard: readonly [number, number];
  /** The checksum of each of its parts. */
  readonly parts: readonly string[];
};

/** The origin of the tables of a model on some images, which need not have been read yet. */
export function originOf(
  { name, checksum }: LoadedModel,
  asked: string,
  { images, in: words, limit }: ImageSource,
  { seed, features, batchSizes }: Pick<FileOrigin, 'seed' | 'features' | 'batchSizes'>,
): Unread {
  const { version } = JSON.parse(readFileSync(inCheckout('package.json'), 'utf8')) as {
    version: string;
  };
  return {
    program: `fisherlab ${version}`,
    numbers: NUMBERS,
    backend: tf.getBackend(),
    processors: [processorKind()],
    model: { name, asked, checksum },
    images: {
      name: images.name,
      in: words,
      limit: limit ?? null,
      count: images.count,
    },
    seed,
    features,
    batchSizes,
  };
}

/** SHA-256 of some images, with their places and their names. */
export function partChecksum({ places, names, images }: RowPart): string {
  return createHash('sha256')
    .update(JSON.stringify([places, names ?? null]))
    .update(images)
    .digest('hex');
}

/** The checksum of images that consist of parts: the SHA-256 of the parts' checksums in order. */
export function joinedChecksum(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join()).digest('hex');
}

/** What all parts of one table share, as text. */
export function identityOf({ processors: _, ...origin }: Unread): string {
  return canonicalJson(origin);
}

/**
 * The origin of a table joined from others, which may differ only in processors and images.
 * @param parts the checksums of all parts, in order
 */
export function joinedOrigin(
  origins: readonly [Unread, ...Unread[]],
  parts: readonly string[],
): FileOrigin {
  const processors = [...new Set(origins.flatMap((origin) => origin.processors))].sort();
  return { ...origins[0], processors, pixels: joinedChecksum(parts) };
}

/**
 * The names of the entries in which two origins differ, apart from processors and pixels. Empty if
 * they may be shards of one table.
 */
export function differences(one: Unread, other: Unread): string[] {
  return Object.keys({ ...one, ...other }).filter((key) => {
    if (key === 'processors' || key === 'pixels') return false;
    const [a, b] = [one, other].map((origin) => canonicalJson(origin[key as keyof Unread]));
    return a !== b;
  });
}

/** The command that makes the files of an origin in `folder`, without its shard. */
export function commandOf(origin: FileOrigin, folder: string): string {
  const { model, images, seed, features, batchSizes } = origin;
  return [
    'fisherlab features',
    `--model ${quoted(model.asked)}`,
    `--in ${images.in.map(quoted).join(' ')}`,
    ...(images.limit === null ? [] : [`--limit ${images.limit}`]),
    `--to ${quoted(folder)}`,
    `--features ${features.map(({ name }) => name).join(',')}`,
    `--batch-sizes ${batchSizes.join(',')}`,
    `--seed ${seed}`,
  ].join(' ');
}

/** Quotes a word for the shell if it needs quoting. */
function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
