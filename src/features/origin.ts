/**
 * # What a file of features was made from
 *
 * Two files belong together if they were made from the same things. All of them are written into
 * the file, so that whoever finds it knows, and can make it again by one command.
 */
import { readFileSync } from 'node:fs';
import { inCheckout, tf } from '../backend/index';
import type { Images } from '../data/index';
import type { LoadedModel } from '../models/index';
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

/** The names of what differs between two origins; empty if they are the same. */
export function differences(one: FileOrigin, other: FileOrigin): string[] {
  return Object.keys({ ...one, ...other }).filter((key) => {
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
