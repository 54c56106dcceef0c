/**
 * # One set-up at a time
 *
 * Two set-ups that start together must not write the same folder. The first makes a lock file that
 * lists the processes at work, itself and the programs it starts; the second waits until the file
 * is gone or none of those processes lives. Listing the programs matters: when set-up is killed,
 * its `npm ci` runs on, and a second `npm ci` in the same folder would spoil both.
 *
 * A process is known by its id and, where the system tells it, its start time, since ids are used
 * again.
 */
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** @typedef {{ pid: number, since: string }} ProcessMark */

/**
 * A lock whose holder was killed between making the file and writing to it is given up after this
 * time, in ms.
 */
const UNREADABLE_AFTER = 10_000;

/** The locks this process holds, let go when it ends. @type {Set<string>} */
const held = new Set();
process.on('exit', () => {
  for (const file of held) rmSync(file, { force: true });
});

/**
 * What the system tells about a process: its state letter and its start time (fields 3 and 22 of
 * `/proc/<pid>/stat`), both empty where there is no such file.
 *
 * @param {number} pid
 */
function statusOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets, which may itself hold spaces and
    // brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', since: fields[19] ?? '' };
  } catch {
    return { state: '', since: '' };
  }
}

/**
 * @param {number} pid
 * @returns {ProcessMark}
 */
export function markOf(pid) {
  return { pid, since: statusOf(pid).since };
}

/**
 * @param {ProcessMark} mark
 * @returns {boolean} whether the very process that was marked still runs
 */
export function lives(mark) {
  try {
    process.kill(mark.pid, 0);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EPERM') return false;
  }
  const { state, since } = statusOf(mark.pid);
  // ended, but nobody has asked how: in a container that may last for ever
  if (state === 'Z' || state === 'X') return false;
  return mark.since === '' || since === '' || since === mark.since;
}

/**
 * Who holds a lock.
 *
 * @param {string} file
 * @returns {ProcessMark | null} a living holder (id 0 while the file is still being written), or
 *   null where the lock is free or left over
 */
export function holderOf(file) {
  try {
    /** @type {ProcessMark[]} */
    const marks = JSON.parse(readFileSync(file, 'utf8'));
    return marks.find(lives) ?? null;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return null;
    const age = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
    return age !== undefined && Date.now() - age < UNREADABLE_AFTER ? { pid: 0, since: '' } : null;
  }
}

/**
 * Does `work` while holding the lock `file`.
 *
 * @template T
 * @param {string} file its folder is made where missing
 * @param {(enlist: (pid: number) => void) => Promise<T>} work calls `enlist` with each program it
 *   starts
 * @param {{ waiting?: (holder: number) => void, every?: number }} [options] `waiting` is told once
 *   who is waited for; `every`: ms between looks
 * @returns {Promise<T>}
 */
export async function withLock(file, work, { waiting, every = 300 } = {}) {
  mkdirSync(path.dirname(file), { recursive: true });
  const marks = [markOf(process.pid)];
  for (let told = false; !take(file, marks); await sleep(every)) {
    const holder = holderOf(file);
    if (holder === null) clear(file);
    else if (!told && holder.pid !== 0) {
      waiting?.(holder.pid);
      told = true;
    }
  }
  held.add(file);
  try {
    return await work((pid) => {
      marks.push(markOf(pid));
      const next = `${file}.${process.pid}`;
      writeFileSync(next, JSON.stringify(marks));
      renameSync(next, file);
    });
  } finally {
    held.delete(file);
    rmSync(file, { force: true });
  }
}

/**
 * @param {string} file
 * @param {ProcessMark[]} marks
 * @returns {boolean} whether the lock is now ours
 */
function take(file, marks) {
  try {
    writeFileSync(file, JSON.stringify(marks), { flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes a lock that was left over. Only one process may do so at a time (the folder beside it is
 * that right): otherwise the slower of two would remove the lock that the faster has already taken
 * anew.
 *
 * @param {string} file
 */
function clear(file) {
  const right = `${file}.clearing`;
  try {
    mkdirSync(right);
  } catch {
    const age = statSync(right, { throwIfNoEntry: false })?.mtimeMs;
    if (age !== undefined && Date.now() - age > UNREADABLE_AFTER)
      rmSync(right, { recursive: true, force: true });
    return;
  }
  try {
    if (holderOf(file) === null) rmSync(file, { force: true });
  } finally {
    rmdirSync(right);
  }
}
