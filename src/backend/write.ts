/**
 * # Writing a file as a whole or not at all
 *
 * The bytes are written to a file beside the target, which is renamed over the target once they are
 * safely on the disk. So a reader sees the old file or the new one, never a half. A killed process
 * leaves at most the file beside. Its name tells the process and the machine (a folder may be
 * shared), and the next write on that machine removes it.
 *
 * Only an ordinary file is replaced, and the new file gets its owner and its permissions. A link is
 * followed, and the file it points to is replaced. A folder, a pipe, a socket or a device
 * (`/dev/null`) is refused; a mere rename would replace it.
 *
 * The package write-file-atomic does most of this, but never removes what a killed process left,
 * and it replaces a device, a pipe, or a link to a file that does not exist yet.
 */
import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { FisherlabError } from '../errors';

/**
 * Makes a folder, and those above it, where they are missing: call it before hours of work that end
 * there.
 * @throws {FisherlabError} if that cannot be
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await made(folder);
  } catch (error) {
    throw diskError(error, folder);
  }
}

/**
 * One folder after another, from the first that is missing. Node's own `recursive` never ends where
 * a folder can be seen but nothing made in it, as below `/proc`, and does not say why it failed.
 */
async function made(folder: string): Promise<void> {
  const missing: string[] = [];
  for (
    let above = path.normalize(folder); // not resolved: the working directory may be gone
    (await known(stat(above))) === undefined;
    above = path.dirname(above)
  )
    missing.unshift(above);
  for (const one of missing)
    await mkdir(one).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error; // somebody else has just made it
    });
  if (!(await stat(folder)).isDirectory()) await mkdir(folder); // says that something is there
}

/**
 * Writes `file` atomically, making its folder.
 * @param content the bytes, or what writes them into the open file; what it throws leaves the old
 *   file as it was
 * @throws {FisherlabError} if the disk is full or read-only, or something is in the way; nothing is
 *   left behind then
 */
export async function writeBeside(
  file: string,
  content: string | Uint8Array | ((opened: FileHandle) => Promise<void>),
): Promise<void> {
  try {
    const { target, old } = await replaceable(file);
    await made(path.dirname(target));
    const beside = `${target}.${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}.part`;
    try {
      const opened = await open(beside, 'wx');
      try {
        if (old !== undefined) await resemble(opened, old);
        if (typeof content === 'function') await content(opened);
        else await opened.writeFile(content);
        await opened.sync();
      } finally {
        await opened.close();
      }
      await rename(beside, target);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
    await sweep(target);
  } catch (error) {
    throw diskError(error, file);
  }
}

/**
 * Writes `value` as one line of JSON, as `writeBeside` does.
 * @throws {FisherlabError} if it holds a number that is not finite, which JSON would make `null`
 */
export async function writeJson(file: string, value: unknown): Promise<void> {
  const text = JSON.stringify(value, (name, entry: unknown) => {
    if (typeof entry === 'number' && !Number.isFinite(entry))
      throw new FisherlabError(
        `'${name}' is ${entry}, and '${file}' can hold finite numbers alone`,
        'nothing was written; look for what made it, say a set without images',
      );
    return entry;
  });
  await writeBeside(file, `${text}\n`);
}

/** What a name leads to that may be written: a file, or nothing yet. */
async function replaceable(file: string): Promise<{ target: string; old?: Stats }> {
  if (file === '')
    throw new FisherlabError('a file without a name cannot be written', 'give its name');
  const old = await known(stat(file));
  if (old === undefined) {
    const link = await known(lstat(file)); // a link to what is not there?
    if (!link?.isSymbolicLink()) return { target: file };
    const from = await realpath(path.dirname(file));
    return replaceable(path.resolve(from, await readlink(file)));
  }
  const kind = old.isDirectory()
    ? 'a folder'
    : old.isFIFO()
      ? 'a pipe'
      : old.isSocket()
        ? 'a socket'
        : 'a device';
  if (!old.isFile())
    throw new FisherlabError(
      `'${file}' cannot be written: it is ${kind}`,
      'choose the name of a file',
    );
  return { target: await realpath(file), old };
}

/** What is asked of a file; undefined where it is not there. */
async function known<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Gives a new file the owner, where one may, and the permissions of the one it replaces. */
async function resemble(opened: FileHandle, { uid, gid, mode }: Stats): Promise<void> {
  const own = await opened.stat();
  if (own.uid !== uid || own.gid !== gid) await opened.chown(uid, gid).catch(() => {});
  await opened.chmod(mode & 0o777);
}

/** Takes away what processes that are gone left beside `file`. */
async function sweep(file: string): Promise<void> {
  const [folder, start] = [path.dirname(file), `${path.basename(file)}.${hostname()}-`];
  for (const name of await readdir(folder)) {
    const writer = name.startsWith(start)
      ? /^(\d+)-[0-9a-f]{8}\.part$/.exec(name.slice(start.length))?.[1]
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

const MAY_WRITE = 'choose a folder that you may write to; downloads go where XDG_CACHE_HOME says';
const IN_THE_WAY = 'a file or folder of that name is in the way: choose another';
const TOO_MANY = "raise the limit ('ulimit -n') or do less at once";

/** What the file system says by these codes: what is wrong with a file, and how to fix it. */
const SENTENCES: Readonly<
  Record<string, readonly [problem: (file: string) => string, fix: string]>
> = {
  ENOSPC: [(file) => `the disk is full: '${file}' was not written`, 'make room and try again'],
  EDQUOT: [
    (file) => `your share of the disk is full: '${file}' was not written`,
    'make room and try again',
  ],
  EFBIG: [
    (file) => `'${file}' would be larger than a file may be here`,
    "raise the limit ('ulimit -f') or choose another disk",
  ],
  EROFS: [(file) => `'${file}' cannot be written (EROFS)`, MAY_WRITE],
  EACCES: [(file) => `'${file}' cannot be written (EACCES)`, MAY_WRITE],
  EPERM: [(file) => `'${file}' cannot be written (EPERM)`, MAY_WRITE],
  EEXIST: [(file) => `'${file}' cannot be written (EEXIST)`, IN_THE_WAY],
  ENOTDIR: [(file) => `'${file}' cannot be written (ENOTDIR)`, IN_THE_WAY],
  EISDIR: [(file) => `'${file}' cannot be written (EISDIR)`, IN_THE_WAY],
  ENOTEMPTY: [(file) => `'${file}' cannot be written (ENOTEMPTY)`, IN_THE_WAY],
  ENOENT: [
    (file) => `'${file}' cannot be written: its folder, or the one you work in, is gone`,
    'choose a folder that is there',
  ],
  EBUSY: [(file) => `'${file}' is in use (EBUSY)`, 'end what uses it, or choose another name'],
  EMFILE: [(file) => `too many files are open: '${file}' was not written`, TOO_MANY],
  ENFILE: [(file) => `too many files are open: '${file}' was not written`, TOO_MANY],
  ENAMETOOLONG: [(file) => `the name '${file}' is too long`, 'choose a shorter one'],
  ELOOP: [(file) => `the links of '${file}' lead nowhere`, 'choose another name'],
  EIO: [(file) => `the disk failed: '${file}' was not written (EIO)`, 'choose another disk'],
  ENOLCK: [
    (file) => `'${file}' cannot be locked there (ENOLCK)`,
    'choose a folder on a disk of this machine',
  ],
  ERR_INVALID_ARG_VALUE: [
    (file) => `${JSON.stringify(file)} is no name of a file`,
    'choose one without a zero byte',
  ],
};

/**
 * Turns what the file system says when it cannot write into a line a person can act on; other
 * errors come back as they are.
 */
export function diskError(error: unknown, file: string): unknown {
  const sentence = SENTENCES[String((error as NodeJS.ErrnoException).code)];
  if (sentence === undefined || error instanceof FisherlabError) return error;
  return new FisherlabError(sentence[0](file), sentence[1]);
}
