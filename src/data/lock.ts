/**
 * # One download of a set at a time
 *
 * A lock is a file that exists, linked into place with its holder's process number in it (linking
 * fails where it exists already, also over a network file system). The holder touches it every few
 * seconds; a lock that has not been touched for a minute, or whose process is gone from this
 * machine, was left by a kill and is taken away. Should two take the same dead lock away in the
 * same instant, both may go on: every file is verified and renamed into place whole, so the worst
 * is work done twice.
 */
import { link, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { diskError } from '../backend/index';

const TOUCH_MS = 5_000;
const DEAD_MS = 60_000;
const POLL_MS = 200;

/**
 * Runs `work` while holding `file`; waits for another holder, after telling `onWait` once which
 * process it is.
 */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  onWait: (holder: string) => void = () => {},
): Promise<T> {
  const own = `${file}.${process.pid}.${process.hrtime.bigint()}`;
  let waited = false;
  try {
    await writeFile(own, `${hostname()} ${process.pid}\n`);
  } catch (error) {
    throw diskError(error, own);
  }
  try {
    while (!(await taken(own, file))) {
      const holder = await deadOrAlive(file);
      if (holder === null) await rm(file, { force: true });
      else {
        if (!waited) onWait(holder);
        waited = true;
        await sleep(POLL_MS);
      }
    }
  } finally {
    await rm(own, { force: true });
  }
  const touch = setInterval(
    () => void utimes(file, new Date(), new Date()).catch(() => {}),
    TOUCH_MS,
  );
  touch.unref();
  try {
    return await work();
  } finally {
    clearInterval(touch);
    await rm(file, { force: true });
  }
}

async function taken(own: string, file: string): Promise<boolean> {
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Who holds the lock, in words; null where nobody alive does. */
async function deadOrAlive(file: string): Promise<string | null> {
  try {
    const [host, pid] = (await readFile(file, 'utf8')).trim().split(' ');
    if (Date.now() - (await stat(file)).mtimeMs > DEAD_MS) return null;
    if (host === hostname() && !runs(Number(pid))) return null;
    return `process ${pid} on ${host}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
