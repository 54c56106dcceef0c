/**
 * # The per-user cache
 *
 * What takes long to get and is the same for every clone is kept once a user:
 * `$XDG_CACHE_HOME/fisherlab`, else `~/.cache/fisherlab`, else (a home that cannot be written)
 * `.cache` in the clone. (XDG Base Directory Specification 0.8.)
 *
 * Whatever lies there is whole: a folder is built beside its place under the name `….part`, a list
 * of its files and their sizes is written into it, and only then it is renamed. A folder whose
 * files differ from its list is built again.
 */
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Obstacle } from './shell.mjs';

const LIST = 'files.json';

/**
 * The folders that may hold the cache, best first.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {string} root the clone
 * @returns {string[]}
 */
export function cacheCandidates(env, root) {
  const xdg = env.XDG_CACHE_HOME;
  const home = env.HOME || os.userInfo().homedir;
  // The specification has relative paths ignored.
  const user =
    xdg !== undefined && path.isAbsolute(xdg)
      ? xdg
      : path.isAbsolute(home)
        ? path.join(home, '.cache')
        : null;
  const own = path.join(root, '.cache', 'fisherlab');
  return user === null ? [own] : [path.join(user, 'fisherlab'), own];
}

/**
 * The first of the folders that can be written (made where missing).
 *
 * @param {string[]} candidates
 * @returns {string}
 * @throws {Obstacle} where none can
 */
export function writableCache(candidates) {
  /** @type {string[]} */
  const problems = [];
  for (const folder of candidates) {
    try {
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.W_OK);
      const trial = path.join(folder, `.trial-${process.pid}`);
      writeFileSync(trial, ''); // a full or read-only disk shows only now
      rmSync(trial);
      return folder;
    } catch (error) {
      problems.push(`${folder}: ${/** @type {NodeJS.ErrnoException} */ (error).code ?? error}`);
    }
  }
  throw new Obstacle(
    `no cache folder can be written (${problems.join(', ')})`,
    'make one writable or set XDG_CACHE_HOME to one that is',
  );
}

/**
 * A short name for everything that a cached thing depends on.
 *
 * @param {...(string | Buffer)} parts
 * @returns {string} 12 hexadecimal digits
 */
export function cacheKey(...parts) {
  const hash = createHash('sha256');
  // The lengths keep ('ab', 'c') apart from ('a', 'bc').
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex').slice(0, 12);
}

/**
 * The sizes of all files below a folder, by their path in it.
 *
 * @param {string} folder
 * @returns {Record<string, number>} bytes
 */
export function fileSizes(folder) {
  /** @type {Record<string, number>} */
  const sizes = {};
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const stat = statSync(path.join(folder, entry), { throwIfNoEntry: false });
    if (stat?.isFile() && entry !== LIST) sizes[entry.split(path.sep).join('/')] = stat.size;
  }
  return sizes;
}

/**
 * How many bytes lie in a folder; 0 where it is not there. For progress: files may come and go
 * meanwhile.
 *
 * @param {string} folder
 * @returns {number}
 */
export function folderBytes(folder) {
  try {
    return Object.values(fileSizes(folder)).reduce((sum, size) => sum + size, 0);
  } catch {
    return 0;
  }
}

/**
 * @param {string} folder
 * @returns {boolean} whether the folder holds just what was published there
 */
export function isWhole(folder) {
  try {
    /** @type {Record<string, number>} */
    const list = JSON.parse(readFileSync(path.join(folder, LIST), 'utf8'));
    return Object.entries(list).every(
      ([file, size]) => statSync(path.join(folder, file)).size === size,
    );
  } catch {
    return false;
  }
}

/**
 * Builds a folder beside its place and moves it there in one go. Call it under a lock.
 *
 * @param {string} folder
 * @param {(part: string) => Promise<void>} build fills the empty folder `part`
 */
export async function publish(folder, build) {
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true }); // left by a set-up that was killed
  try {
    mkdirSync(part, { recursive: true });
    await build(part);
    writeFileSync(path.join(part, LIST), JSON.stringify(fileSizes(part)));
    rmSync(folder, { recursive: true, force: true });
    renameSync(part, folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

/**
 * @param {string} folder
 * @param {number} megabytes
 * @throws {Obstacle} where the folder's disk has less free
 */
export function needSpace(folder, megabytes) {
  while (!existsSync(folder)) folder = path.dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const free = Math.floor((bavail * bsize) / 1e6);
  if (free < megabytes)
    throw new Obstacle(
      `the disk of ${folder} has ${free} MB free and ${megabytes} MB are needed`,
      'make room or set XDG_CACHE_HOME',
    );
}
