/**
 * A disk of a few kilobytes, in memory, for tests of what happens when one is full or read-only.
 * Only root may mount one: elsewhere the test is skipped.
 */
import { spawnSync } from 'node:child_process';

const run = (command: string, ...args: string[]) =>
  spawnSync(command, args, { encoding: 'utf8' }).status === 0;

/** Mounts a disk on `folder` while `work` runs, which may make it read-only. */
export async function onSmallDisk(
  test: Mocha.Context,
  folder: string,
  kilobytes: number,
  work: (makeReadOnly: () => void) => Promise<void>,
): Promise<void> {
  if (!run('mount', '-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', folder)) test.skip();
  try {
    await work(() => {
      if (!run('mount', '-o', 'remount,ro', folder)) test.skip();
    });
  } finally {
    run('umount', folder);
  }
}
