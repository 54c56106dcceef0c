/**
 * # What a file of features was made from
 *
 * Two files belong together if they were made from the same things. All of them are written into
 * the file, so that whoever finds it knows, and can make it again by one command. The kinds of
 * processors are written too, but are no reason to keep files apart: between two kinds numbers
 * differ by rounding alone.
 */
import { readFileSync } from 'node:fs';
import { inCheckout, tf } from '../backend/index';
import type { Images } from '../data/index';
import type { LoadedModel } from '../models/index';
import { processorKind } from './processor';
import { imagesChecksum } from './statistic';
import { canonicalJson, NUMBERS } from './table-cache';

/** Images as they were asked for. */
export interface ImageSource {
  readonly images: Images;
  /** [count]: what each is called; its number in the set where left out. */
  readonly names?: readonly string[];
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
    readonly checksum: string;
  };
  readonly seed: number;
  readonly features: readonly { readonly name: string; readonly version: number }[];
  readonly batchSizes: readonly number[];
};

/** The origin of tables of a model and images. */
export function originOf(
  { name, checksum }: LoadedModel,
  asked: string,
  { images, in: words, limit }: ImageSource,
  { seed, features, batchSizes }: Pick<FileOrigin, 'seed' | 'features' | 'batchSizes'>,
): FileOrigin {
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
      checksum: imagesChecksum(images),
    },
    seed,
    features,
    batchSizes,
  };
}

/** What two files that belong together have in common. */
export function identityOf({ processors: _, ...origin }: FileOrigin): string {
  return canonicalJson(origin);
}

/** The origin of a table that is joined from others; all but the processors are the same. */
export function joinedOrigin(origins: readonly [FileOrigin, ...FileOrigin[]]): FileOrigin {
  const processors = [...new Set(origins.flatMap((origin) => origin.processors))].sort();
  return { ...origins[0], processors };
}

/**
 * The names of what differs between two origins, processors aside; empty if they belong together.
 */
export function differences(one: FileOrigin, other: FileOrigin): string[] {
  return Object.keys({ ...one, ...other }).filter((key) => {
    if (key === 'processors') return false;
    const [a, b] = [one, other].map((origin) => canonicalJson(origin[key as keyof FileOrigin]));
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
