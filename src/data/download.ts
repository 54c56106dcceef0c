/**
 * # Downloading a data set
 *
 * Fetch, verify, convert: official files are downloaded to `<cache>/<set>/official`, checked
 * against their published checksums, converted to the common layout, and removed. Each step is done
 * completely or not at all, so a kill at any point loses only the step in progress. A split that
 * already exists is checked against its checksums and not made again; if it is damaged, it is
 * renamed to `.bad` and made again. Only one process works on a set; others wait for it.
 *
 * If the user supplies the files (`from`), they are recognised by their checksums, not by their
 * names, and stay where they are.
 */
import { existsSync } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, withLock, writeBeside } from '../backend/index';
import { assertKnown, FisherlabError } from '../errors';
import { readSplit } from './dataset';
import { type FetchOptions, fetchFile, md5Of } from './fetch-file';
import { cacheFolder } from './find';
import { CONVERTERS } from './formats/index';
import { checked } from './formats/portion';
import {
  DATA_SETS,
  type DataSet,
  type DataSetName,
  dataSet,
  type OfficialFile,
  SPLITS,
  type Split,
} from './sets';
import { writeSplit } from './split-writer';

/**
 * What the download is doing: receiving a file (bytes), converting a split (images), or waiting for
 * another process.
 */
export type Step =
  | {
      readonly kind: 'fetch';
      readonly file: string;
      readonly received: number;
      readonly announced: number | undefined;
    }
  | { readonly kind: 'convert'; readonly split: Split; readonly count: number }
  | { readonly kind: 'wait'; readonly holder: string };

export interface DownloadOptions extends Pick<FetchOptions, 'silence' | 'tries' | 'pause'> {
  /**
   * Official files the user already has. They are required if the owner demands an agreement, and
   * allowed for any set.
   */
  readonly from?: readonly string[];
  readonly onStep?: (step: Step) => void;
  /** An entry to use instead of the catalogue's, for a mirror or a test. */
  readonly entry?: DataSet;
}

/**
 * A split that is now in the cache. `count` says how many images were converted, or that it was
 * there already.
 */
export interface Downloaded {
  readonly split: Split;
  readonly count: number | 'there already';
}

/**
 * Downloads the splits of a set into the user's cache.
 * @throws {FisherlabError} if the name is unknown, if the owner demands an agreement and no file is
 *   given, if a file is not the official one, or if the network or the disk fails
 */
export async function download(name: string, options: DownloadOptions = {}): Promise<Downloaded[]> {
  assertKnown('data set', name, DATA_SETS);
  const entry = options.entry ?? dataSet(name);
  const folder = path.join(cacheFolder(), name);
  if (entry.agreement !== undefined && options.from === undefined) {
    throw new FisherlabError(
      `the owner of '${name}' asks for your agreement (${entry.licence})`,
      `get the file at ${entry.agreement} and run 'fisherlab data download ${name} --from FILE'`,
    );
  }
  const given =
    options.from === undefined ? undefined : await recognised(name, entry, options.from);
  await makeFolder(path.join(folder, 'official'));
  const work = () => splits(name, folder, entry, given, options);
  return withLock(path.join(folder, 'lock'), work, (holder) =>
    options.onStep?.({ kind: 'wait', holder }),
  );
}

async function splits(
  name: DataSetName,
  folder: string,
  entry: DataSet,
  given: ReadonlyMap<OfficialFile, string> | undefined,
  options: DownloadOptions,
): Promise<Downloaded[]> {
  const done: Downloaded[] = [];
  const official = path.join(folder, 'official');
  for (const split of SPLITS) {
    const wanted = entry.files[split];
    if (wanted === undefined || (given !== undefined && !wanted.every((file) => given.has(file))))
      continue;
    if (await isWhole(name, folder, split)) {
      done.push({ split, count: 'there already' });
      continue;
    }
    const files: string[] = [];
    for (const file of wanted)
      files.push(given?.get(file) ?? (await fetched(file, official, options)));
    done.push({ split, count: await converted(folder, split, entry, files, options) });
  }
  await writeBeside(
    path.join(folder, 'TERMS.txt'),
    `${entry.title}\n${entry.licence}\nCite: ${entry.cite}\n`,
  );
  // Keep a `.bad` file, which the user may want to look at.
  for (const file of Object.values(entry.files).flat())
    await rm(path.join(official, path.basename(file.url)), { force: true });
  return done;
}

/** Whether a split exists and is undamaged. A damaged one is renamed to `.bad`. */
async function isWhole(name: DataSetName, folder: string, split: Split): Promise<boolean> {
  const images = path.join(folder, `${split}-images.npy.gz`);
  const labels = path.join(folder, `${split}-labels.npy`);
  if (!existsSync(images)) return false;
  const there = existsSync(labels) ? { images, labels } : { images };
  try {
    await readSplit(name, split, { ...there, place: 'the official download' }, 0);
    return true;
  } catch (error) {
    if (!(error instanceof FisherlabError)) throw error;
    for (const file of Object.values(there)) await rename(file, `${file}.bad`);
    return false;
  }
}

async function fetched(
  file: OfficialFile,
  official: string,
  options: DownloadOptions,
): Promise<string> {
  const target = path.join(official, path.basename(new URL(file.url).pathname));
  const onProgress = (received: number, announced: number | undefined) =>
    options.onStep?.({ kind: 'fetch', file: path.basename(target), received, announced });
  await fetchFile(file, target, { ...options, onProgress });
  return target;
}

async function converted(
  folder: string,
  split: Split,
  entry: DataSet,
  files: readonly string[],
  { onStep }: DownloadOptions,
): Promise<number> {
  const side = entry.channels === 3 ? 32 : 28;
  const size = side * side * entry.channels;
  const portions = checked(CONVERTERS[entry.format](files, split), size, entry.classes ?? 256);
  try {
    return await writeSplit(folder, split, [side, side, entry.channels], portions, (count) =>
      onStep?.({ kind: 'convert', split, count }),
    );
  } catch (error) {
    if (error instanceof FisherlabError) throw error;
    throw new FisherlabError(
      `the official files of '${path.basename(folder)}' (${files.map((file) => path.basename(file)).join(', ')}) cannot be converted: ${(error as Error).message}`,
      'the cache is unchanged; if the files are the official ones, please report this',
    );
  }
}

/**
 * Finds out which official file each of the user's files is.
 * @throws {FisherlabError} if a file is not an official one, or no split is complete
 */
async function recognised(
  name: string,
  entry: DataSet,
  from: readonly string[],
): Promise<Map<OfficialFile, string>> {
  const official = [
    ...new Map(
      Object.values(entry.files)
        .flat()
        .map((file) => [file.url, file]),
    ).values(),
  ];
  const expected = official
    .map(
      (file) =>
        `${path.basename(file.url)} (${file.md5 ? `md5 ${file.md5}` : `${file.bytes} bytes`})`,
    )
    .join(', ');
  const found = new Map<string, string>();
  for (const file of from) {
    const info = await stat(file).catch(() => undefined);
    if (info?.isFile() !== true)
      throw new FisherlabError(`'${file}' is not a file`, `give one of ${expected}`);
    const md5 = await md5Of(file);
    const which = official.find((candidate) =>
      candidate.md5 ? candidate.md5 === md5 : candidate.bytes === info.size,
    );
    if (which === undefined)
      throw new FisherlabError(
        `'${file}' is not an official file of '${name}': found md5 ${md5}, expected ${expected}`,
        'fetch it again',
      );
    found.set(which.url, file);
  }
  const known = new Map<OfficialFile, string>();
  for (const file of Object.values(entry.files).flat()) {
    const where = found.get(file.url);
    if (where !== undefined) known.set(file, where);
  }
  const complete = SPLITS.some((split) => entry.files[split]?.every((file) => known.has(file)));
  if (!complete)
    throw new FisherlabError(
      `the files given for '${name}' do not make up a complete split`,
      `give all of its files: ${expected}`,
    );
  return known;
}
