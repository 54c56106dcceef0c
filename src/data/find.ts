/**
 * # Where the files of a data set are
 *
 * Three places are searched in this order:
 * 1. the folder that `FISHERLAB_DATA` names;
 * 2. the user's cache of official downloads, `$XDG_CACHE_HOME/fisherlab/data` (else
 *    `~/.cache/fisherlab/data`);
 * 3. the excerpt that comes with the program, `data/`.
 *
 * All three have one layout: `<set>/<split>-images.npy.gz`, `[N, 32, 32, 3]` or `[N, 28, 28, 1]`
 * uint8, and, where classes are known, `<set>/<split>-labels.npy`, `[N]` uint8, with their checksum
 * (`labels.ts`). So a cache can serve as a `FISHERLAB_DATA`, and an excerpt is just a shorter set.
 */
import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { inCheckout } from '../backend/index';
import { FisherlabError } from '../errors';
import type { Split } from './sets';

/** Where a split was found; `place` describes it to people. */
export interface Found {
  readonly images: string;
  readonly labels?: string;
  readonly place: string;
}

/** The per-user folder of official downloads. */
export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME;
  // The XDG specification says that a relative path must be ignored.
  const folder =
    base !== undefined && path.isAbsolute(base) ? base : path.join(homedir(), '.cache');
  return path.join(folder, 'fisherlab', 'data');
}

/** The folder of the excerpts that come with the program. */
export function excerptFolder(): string {
  return inCheckout('data');
}

/**
 * The three places, in the order of the search.
 * @throws {FisherlabError} if FISHERLAB_DATA does not name a folder
 */
export function places(): { folder: string; place: string }[] {
  const given = process.env.FISHERLAB_DATA;
  const list = [
    { folder: cacheFolder(), place: 'the official download' },
    { folder: excerptFolder(), place: 'the embedded excerpt' },
  ];
  if (given === undefined || given === '') return list;
  if (statSync(given, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new FisherlabError(
      `FISHERLAB_DATA names '${given}', which is not a folder`,
      'correct or unset FISHERLAB_DATA',
    );
  }
  return [{ folder: given, place: 'FISHERLAB_DATA' }, ...list];
}

/** The files of a split in the first place that has its images, or null. */
export function find(name: string, split: Split): Found | null {
  for (const { folder, place } of places()) {
    const images = path.join(folder, name, `${split}-images.npy.gz`);
    if (!existsSync(images)) continue;
    const labels = path.join(folder, name, `${split}-labels.npy`);
    return existsSync(labels) ? { images, labels, place } : { images, place };
  }
  return null;
}
