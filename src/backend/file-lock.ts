/**
 * # One at a time
 *
 * Work that two processes must not do at once, such as filling one folder, is done while holding
 * the system's own lock on a file. The lock belongs to the open file, so the process holds it for
 * as long as it lives, even if it sleeps for an hour, and its death releases it, however it dies.
 * There is no timeout after which a lock counts as abandoned, and nothing to remove by hand. The
 * file says which process holds the lock. It is removed when the work is done; a file that a killed
 * process has left behind is simply locked by the next one.
 *
 * Node cannot lock files; fs-native-extensions can. proper-lockfile, which keeps updating a
 * folder's time instead, takes the lock from a holder that sleeps, waits seconds for a dead one,
 * and does not say who holds it.
 */
import { type FileHandle, open, readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { diskError } from './write';

const POLL_MS = 200;
/** Where the locked byte lies: behind the text, which Windows would not let others read. */
const BYTE = 2 ** 20;

/**
 * Runs `work` while holding a lock on `file`, which is made in a folder that is there.
 * @param onWait is told once who holds the lock, if somebody does, and then it is waited for; what
 *   it throws ends the waiting
 * @throws {FisherlabError} if the file cannot be made or locked there
 */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  onWait: (holder: string) => void = () => {},
): Promise<T> {
  let held: FileHandle | null = null;
  for (let waited = false; held === null; ) {
    try {
      held = await taken(file);
    } catch (error) {
      throw diskError(error, file);
    }
    if (held !== null) break;
    if (!waited) onWait(await holderOf(file));
    waited = true;
    await sleep(POLL_MS);
  }
  try {
    await held.truncate();
    await held.write(`process ${process.pid} on ${hostname()}`, 0);
    return await work();
  } finally {
    await rm(file, { force: true }); // before it is released: the next makes a new one
    await held.close();
  }
}

/** The file, opened and locked; null where somebody else holds it. */
async function taken(file: string): Promise<FileHandle | null> {
  const { tryLock } = require('fs-native-extensions') as {
    tryLock(descriptor: number, from: number, length: number): boolean;
  };
  const opened = await open(file, 'a+');
  try {
    // One that waited has opened the file which its holder has removed: that lock is of no use.
    if (tryLock(opened.fd, BYTE, 1) && (await isAt(opened, file))) return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
  await opened.close();
  return null;
}

async function isAt(opened: FileHandle, file: string): Promise<boolean> {
  const there = await stat(file).catch(() => undefined);
  const { ino, dev } = await opened.stat();
  return there?.ino === ino && there.dev === dev;
}

/** Who holds a lock, in words. */
async function holderOf(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return /^process \d+ on \S+$/.test(text) ? text : 'another process';
}
