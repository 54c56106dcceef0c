import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from '../../src/data/lock';
import { ownFolder } from './help';

describe('the lock of a download', () => {
  const folder = ownFolder();
  const file = () => path.join(folder(), 'lock');

  it('lets one in at a time, and all of them in the end', async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await sleep(20);
      inside--;
    };
    await Promise.all(Array.from({ length: 4 }, () => withLock(file(), work)));
    assert.deepEqual([most, inside], [1, 0]);
    assert.deepEqual(readdirSync(folder()), []);
  });

  it('is given back when the work fails', async () => {
    await assert.rejects(
      withLock(file(), () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.ok(!existsSync(file()));
  });

  it('that a dead process or nobody for a minute has held is taken away', async () => {
    const dead = spawnSync(process.execPath, ['--version']).pid;
    writeFileSync(file(), `${hostname()} ${dead}\n`);
    assert.equal(await withLock(file(), () => Promise.resolve('in')), 'in');
    writeFileSync(file(), 'another-machine 1\n');
    utimesSync(file(), new Date(), new Date(Date.now() - 120_000));
    assert.equal(await withLock(file(), () => Promise.resolve('in')), 'in');
  });

  it('that a living process holds is waited for, and its holder named', async () => {
    writeFileSync(file(), 'another-machine 77\n');
    const holders: string[] = [];
    const waiting = withLock(
      file(),
      () => Promise.resolve('in'),
      (holder) => holders.push(holder),
    );
    await sleep(50);
    assert.deepEqual(holders, ['process 77 on another-machine']);
    writeFileSync(file(), `${hostname()} 0x\n`); // no process: as good as dead
    assert.equal(await waiting, 'in');
  });
});
