/**
 * # Writing a file as a whole or not at all
 *
 * The bytes go to a file beside the one that is meant and are renamed over it when they are safely
 * down: whoever reads sees the old file or the new one, never a half. A kill leaves at most the
 * file beside, named after the killed process, which the next write takes away.
 */
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { FisherlabError } from './errors';

/**
 * Makes a folder, and those above it, where they are missing. Throws a FisherlabError where that
 * cannot be: call it before hours of work that end there.
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw diskError(error, folder);
  }
}

/**
 * Writes `bytes` to `file` atomically, making its folder. Throws a FisherlabError where the disk is
 * full or read-only or something is in the way; nothing is left behind then.
 */
export async function writeBeside(file: string, bytes: string | Uint8Array): Promise<void> {
  await makeFolder(path.dirname(file));
  const beside = `${file}.${process.pid}.part`;
  try {
    const handle = await open(beside, 'w');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
    await sweep(file);
  } catch (error) {
    await rm(beside, { force: true });
    throw diskError(error, file);
  }
}

/** Writes `value` as one line of JSON, as `writeBeside` does. */
export function writeJson(file: string, value: unknown): Promise<void> {
  return writeBeside(file, `${JSON.stringify(value)}\n`);
}

/** Takes away what processes that are gone left beside `file`. */
async function sweep(file: string): Promise<void> {
  const [folder, start] = [path.dirname(file), `${path.basename(file)}.`];
  for (const name of await readdir(folder)) {
    const writer = name.startsWith(start)
      ? /^(\d+)\.part$/.exec(name.slice(start.length))?.[1]
      : undefined;
    if (writer !== undefined && isGone(Number(writer)))
      await rm(path.join(folder, name), { force: true });
  }
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0); // asks only
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/**
 * Turns what the file system says when it cannot write into a line a person can act on; other
 * errors come back as they are.
 */
export function diskError(error: unknown, file: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new FisherlabError(
      `the disk is full: '${file}' was not written`,
      'make room and try again',
    );
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    return new FisherlabError(
      `'${file}' cannot be written (${code})`,
      'choose a folder that you may write to; downloads go where XDG_CACHE_HOME says',
    );
  }
  if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'EISDIR') {
    return new FisherlabError(
      `'${file}' cannot be written (${code})`,
      'a file or folder of that name is in the way: choose another',
    );
  }
  return error;
}
