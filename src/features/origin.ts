/**
 * # What a file of features was made from
 *
 * Two files belong together if they were made from the same things. All of them are written into
 * the file, so that whoever finds it knows, and can make it again by one command. The kinds of
 * processors are written too, but are no reason to keep files apart: between two kinds numbers
 * differ by rounding alone.
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

/** All that changes the numbers of a table, but the part of the images that it holds. */
export type FileOrigin = {
  readonly program: string;
  /** Raised when the program's numbers move. */
  readonly numbers: number;
  readonly backend: string;
  /** On which kinds it was made, sorted; on one kind every bit is the same. */
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
   * SHA-256 of a part's images (`partChecksum`), or of those of all its parts one behind the other
   * (`joinedChecksum`), since whoever makes a shard has seen no other images.
   */
  readonly pixels: string;
  readonly seed: number;
  readonly features: readonly { readonly name: string; readonly version: number }[];
  readonly batchSizes: readonly number[];
};

/** An origin before its images were read. */
export type Unread = Omit<FileOrigin, 'pixels'>;

/** What the file of a shard says besides. */
export type OfShard = {
  /** Its number and how many there are. */
  readonly shard: readonly [number, number];
  /** The checksum of each of its parts. */
  readonly parts: readonly string[];
};

/** The origin of tables of a model and images, which need not have been read. */
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

/** What images are known by whose parts are known: SHA-256 of the parts' in a row. */
export function joinedChecksum(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join()).digest('hex');
}

/** What the parts of a table have in common. */
export function identityOf({ processors: _, ...origin }: Unread): string {
  return canonicalJson(origin);
}

/**
 * The origin of a table that is joined from others; all but processors and images are the same.
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
 * The names of what differs between two origins, processors and the images themselves aside; empty
 * if they are, or may be, shards of one table.
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

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
