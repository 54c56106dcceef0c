import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from '../../src/backend/file-lock';

describe('a lock on a file', () => {
  let folder: string;
  let children: ChildProcess[];
  const file = () => path.join(folder, 'lock');
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-lock-'));
    children = [];
  });
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  /** Another process that holds the lock until it is killed. */
  async function holder(): Promise<ChildProcess> {
    const script = `
      require('tsx/cjs');
      const { withLock } = require('./src/backend/file-lock.ts');
      withLock(process.argv[1], () => new Promise(() => {
        console.log('holds');
        setInterval(() => {}, 1000);
      }));`;
    const child = spawn(process.execPath, ['-e', script, file()], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    return child;
  }

  it('lets in one at a time, and finally all of them, and is removed at the end', async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await sleep(20);
      inside--;
    };
    await Promise.all(Array.from({ length: 4 }, () => withLock(file(), work)));
    assert.deepEqual([most, inside], [1, 0]);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('is released when the work fails', async () => {
    await assert.rejects(
      withLock(file(), () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.ok(!existsSync(file()));
  });

  it('is kept by a sleeping holder, which it names, and is free when that is killed', async () => {
    const child = await holder();
    child.kill('SIGSTOP');
    const holders: string[] = [];
    let inside = false;
    const waiting = withLock(
      file(),
      async () => {
        inside = true;
      },
      (name) => holders.push(name),
    );
    await sleep(500);
    assert.deepEqual(holders, [`process ${child.pid} on ${hostname()}`]);
    assert.ok(!inside);
    child.kill('SIGKILL');
    await waiting;
    assert.ok(inside);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('is not waited for by a caller that gives up when there is a holder', async () => {
    const child = await holder();
    await assert.rejects(
      withLock(
        file(),
        () => Promise.resolve(),
        (name) => {
          throw new Error(`${name} is at it`);
        },
      ),
      new RegExp(`process ${child.pid} on .* is at it`),
    );
  });

  it('that was left by a killed process, or made by another program, is taken at once', async () => {
    const child = await holder();
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok(existsSync(file()));
    assert.equal(await withLock(file(), () => Promise.resolve('in'), assert.fail), 'in');
    writeFileSync(file(), 'another-machine 77\n');
    assert.equal(await withLock(file(), () => Promise.resolve('in'), assert.fail), 'in');
  });

  it('in a missing folder is an error of one sentence', async () => {
    await assert.rejects(
      withLock(path.join(folder, 'none', 'lock'), () => Promise.resolve()),
      /lock' cannot be written: its folder, .* is gone; choose a folder that is there/,
    );
  });
});
