/**
 * # Writing a file as a whole or not at all
 *
 * The bytes go to a file beside the one that is meant and are renamed over it when they are safely down: whoever reads sees the old
 * file or the new one, never a half. A full disk or a kill leaves at most the file beside, which the next try overwrites.
 */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { FisherlabError } from './errors';

/** Makes a folder, and those above it, where they are missing. Throws a FisherlabError where that cannot be: call it before hours of work that end there. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw diskError(error, folder);
  }
}

/** Writes `bytes` to `file` atomically, making its folder. Throws a FisherlabError where the disk is full or read-only or something is in the way; nothing is left behind then. */
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
  } catch (error) {
    await rm(beside, { force: true });
    throw diskError(error, file);
  }
}

/** Turns what the file system says when it cannot write into a line a person can act on; other errors come back as they are. */
export function diskError(error: unknown, file: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new FisherlabError(`the disk is full: '${file}' was not written`, 'make room and try again');
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
