import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { diskError, makeFolder, writeBeside, writeJson } from '../../src/backend/write';
import { FisherlabError } from '../../src/errors';
import { onSmallDisk } from '../support/small-disk';

describe('a written file', () => {
  let folder: string;
  const at = (...names: string[]) => path.join(folder, ...names);
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-write-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** `work` ends in one line that says this, and the folder holds what it held. */
  async function refused(work: () => Promise<unknown>, says: RegExp) {
    const before = readdirSync(folder, { recursive: true });
    await assert.rejects(work, (error: Error) => {
      assert.ok(error instanceof FisherlabError, String(error));
      assert.match(error.message, says);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
    assert.deepEqual(readdirSync(folder, { recursive: true }), before);
  }

  /** What writing megabytes to `c.txt` throws in a process of its own, after a line of shell. */
  function thrownAfter(shell: string, first = ''): string {
    const script = `
      require('${path.resolve('node_modules/tsx/dist/cjs/index.cjs')}');
      const { writeBeside } = require('${path.resolve('src/backend/write.ts')}');
      setImmediate(() => { // tsx has loaded all of itself by then
        ${first}
        writeBeside('c.txt', Buffer.alloc(4e6)).catch((error) => console.log(String(error)));
      });`;
    const command = `${shell} && exec "$0" -e "$1"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', command, process.execPath, script], {
      cwd: folder,
      encoding: 'utf8',
    });
    assert.equal(stderr, '');
    return stdout.trim();
  }

  it('replaces an older one, in a folder that is made, with no other file beside it', async () => {
    await writeBeside(at('a', 'b', 'c.txt'), 'old');
    await writeBeside(at('a', 'b', 'c.txt'), Uint8Array.of(110, 101, 119));
    assert.deepEqual(readdirSync(at('a', 'b')), ['c.txt']);
    assert.equal(readFileSync(at('a', 'b', 'c.txt'), 'utf8'), 'new');
  });

  it('is complete if several are written at once, and equals one of them', async () => {
    const all = Array.from({ length: 8 }, (_, k) => String(k).repeat(100_000 + k));
    await Promise.all(all.map((text) => writeBeside(at('c.txt'), text)));
    assert.ok(all.includes(readFileSync(at('c.txt'), 'utf8')));
    assert.deepEqual(readdirSync(folder), ['c.txt']);
  });

  it('keeps the permissions and the owner of the one it replaces', async () => {
    writeFileSync(at('c.txt'), 'old');
    chmodSync(at('c.txt'), 0o640);
    if (process.getuid?.() === 0) chownSync(at('c.txt'), 1234, 2345);
    const { uid, gid } = statSync(at('c.txt'));
    await writeBeside(at('c.txt'), 'new');
    const { mode, ...now } = statSync(at('c.txt'));
    assert.equal(mode & 0o777, 0o640);
    assert.deepEqual([now.uid, now.gid], [uid, gid]);
  });

  it('can be written piece by piece by a function, and stays the old one if that fails', async () => {
    await writeBeside(at('c.txt'), async (opened) => {
      await opened.write('bc', 1);
      await opened.write('a', 0);
    });
    assert.equal(readFileSync(at('c.txt'), 'utf8'), 'abc');
    const full = Object.assign(new Error(), { code: 'ENOSPC' });
    const failing = () =>
      writeBeside(at('c.txt'), async (opened) => {
        await opened.write('half');
        throw full;
      });
    await refused(failing, /the disk is full: '.*c\.txt' was not written/);
    assert.equal(readFileSync(at('c.txt'), 'utf8'), 'abc');
  });

  it('is written after removing what a killed process left, but nothing of a living one', async () => {
    const { pid: gone } = spawnSync(process.execPath, ['--version']);
    const others = [
      `c.txt.${hostname()}-${process.ppid}-00000000.part`,
      `c.txt.another-${gone}-0a1b2c3d.part`, // of a machine that shares the folder
      `d.txt.${hostname()}-${gone}-00000000.part`,
      `c.txt.${gone}.part`,
    ];
    for (const name of [`c.txt.${hostname()}-${gone}-0a1b2c3d.part`, ...others])
      writeFileSync(at(name), 'half');
    await writeBeside(at('c.txt'), 'new');
    assert.deepEqual(readdirSync(folder).sort(), ['c.txt', ...others].sort());
  });

  it('is the target of a link, also through several links and if it does not exist yet; the link stays', async () => {
    mkdirSync(at('real'));
    writeFileSync(at('real', 'c.txt'), 'old');
    symlinkSync('real', at('folder'));
    symlinkSync(path.join('folder', 'c.txt'), at('first'));
    symlinkSync(at('first'), at('second'));
    symlinkSync('../real/new.txt', at('real', 'dangling'));
    await writeBeside(at('second'), 'new');
    await writeBeside(at('folder', 'dangling'), 'made');
    assert.equal(readFileSync(at('real', 'c.txt'), 'utf8'), 'new');
    assert.equal(readFileSync(at('real', 'new.txt'), 'utf8'), 'made');
    for (const link of ['folder', 'first', 'second', 'real/dangling'])
      assert.ok(lstatSync(at(link)).isSymbolicLink(), link);
    assert.deepEqual(readdirSync(at('real')).sort(), ['c.txt', 'dangling', 'new.txt']);
  });

  it('is refused in the place of a folder, a pipe, a socket or a device, which stays', async function () {
    if (process.platform === 'win32') this.skip();
    mkdirSync(at('folder'));
    assert.equal(spawnSync('mkfifo', [at('pipe')]).status, 0);
    symlinkSync(at('pipe'), at('link'));
    const server = net.createServer().listen(at('socket'));
    await new Promise((ready) => server.once('listening', ready));
    try {
      await refused(() => writeBeside(at('folder'), 'x'), /it is a folder; choose the name of a/);
      await refused(() => writeBeside(at('pipe'), 'x'), /pipe' cannot be written: it is a pipe;/);
      await refused(() => writeBeside(at('link'), 'x'), /link' cannot be written: it is a pipe;/);
      await refused(() => writeBeside(at('socket'), 'x'), /it is a socket;/);
      await refused(() => writeBeside('/dev/null', 'x'), /'\/dev\/null' .*: it is a device;/);
      assert.ok(lstatSync(at('pipe')).isFIFO());
      assert.ok(statSync('/dev/null').isCharacterDevice());
    } finally {
      server.close();
    }
  });

  it('of JSON is written completely or, if a number is not finite, not at all', async () => {
    const file = at('numbers.json');
    await writeJson(file, { auroc: [0.5, 1e-300], note: null });
    assert.equal(readFileSync(file, 'utf8'), '{"auroc":[0.5,1e-300],"note":null}\n');
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY])
      await assert.rejects(
        writeJson(file, { rows: [{ auroc: bad }] }),
        new RegExp(`'auroc' is ${bad}, and '.*numbers\\.json' can hold finite numbers alone`),
      );
    assert.match(readFileSync(file, 'utf8'), /1e-300/);
  });

  it('is refused without a name, with one of zero bytes or too long, and in a circle of links', async () => {
    symlinkSync('b', at('a'));
    symlinkSync('a', at('b'));
    await refused(() => writeBeside('', 'x'), /a file without a name cannot be written; give/);
    await refused(() => writeBeside(at('a\0b'), 'x'), /a\\u0000b" is no name of a file; choose/);
    await refused(() => writeBeside(at('c'.repeat(300)), 'x'), /c' is too long; choose a shorter/);
    await refused(() => writeBeside(at('a'), 'x'), /links of '.*a' lead nowhere; choose/);
  });

  it('is refused in one line if something is in the way', async () => {
    writeFileSync(at('file'), 'x');
    const says =
      /cannot be written \((EEXIST|ENOTDIR|EISDIR)\); a file or folder of that name is in the way: choose another$/;
    await refused(() => writeBeside(at('file', 'c.txt'), 'x'), says);
    await refused(() => writeBeside(at('file', 'deeper', 'c.txt'), 'x'), says);
    await refused(() => makeFolder(at('file')), says);
  });

  it('below a folder in which nothing can be made is refused, where Node’s own mkdir never ends', async function () {
    if (!existsSync('/proc/self')) this.skip();
    for (const folder of ['/proc/self/x', '/proc/self/x/y'])
      await refused(
        () => makeFolder(folder),
        /'\/proc\/self\/x.*' cannot be written: its folder, .* is gone/,
      );
    await makeFolder(at('a', 'b', 'c'));
    await Promise.all([1, 2, 3].map(() => makeFolder(at('many', 'at', 'once'))));
    assert.ok(existsSync(at('a', 'b', 'c')) && existsSync(at('many', 'at', 'once')));
    rmSync(at('a'), { recursive: true });
    rmSync(at('many'), { recursive: true });
  });

  it('on a full or read-only disk leaves the older one unchanged', async function () {
    await onSmallDisk(this, folder, 64, async (makeReadOnly) => {
      writeFileSync(at('c.txt'), 'old');
      await refused(
        () => writeBeside(at('c.txt'), Buffer.alloc(100_000)),
        /the disk is full: '.*c\.txt' was not written; make room and try again/,
      );
      makeReadOnly();
      await refused(() => writeBeside(at('c.txt'), 'new'), /cannot be written \(EROFS\); choose a/);
      await refused(() => makeFolder(at('new')), /cannot be written \(EROFS\); choose a folder/);
      assert.equal(readFileSync(at('c.txt'), 'utf8'), 'old');
    });
  });

  it('gives an error of one sentence if it is too large, too many files are open, or its folder is gone', function () {
    if (process.platform === 'win32') this.skip();
    assert.match(
      thrownAfter('ulimit -f 100'),
      /^FisherlabError: 'c\.txt' would be larger than a file may be here; raise the limit/,
    );
    assert.match(
      thrownAfter('ulimit -n 64', "try { for (;;) require('fs').openSync('/dev/null'); } catch {}"),
      /^FisherlabError: too many files are open: 'c\.txt' was not written; raise the limit/,
    );
    assert.match(
      thrownAfter('mkdir gone && cd gone', "require('fs').rmdirSync('../gone');"),
      /^FisherlabError: 'c\.txt' cannot be written: its folder, .* is gone; choose a folder/,
    );
    assert.deepEqual(readdirSync(folder), []);
  });

  it('has a separate message for each error that cannot be caused here', () => {
    // Whoever runs the tests may be allowed everything.
    for (const [code, sentence] of [
      ['EACCES', "'/x/y' cannot be written (EACCES); choose a folder that you may write to;"],
      ['EPERM', "'/x/y' cannot be written (EPERM); choose a folder that you may write to;"],
      ['EDQUOT', "your share of the disk is full: '/x/y' was not written; make room"],
      ['EBUSY', "'/x/y' is in use (EBUSY); end what uses it"],
      ['EIO', "the disk failed: '/x/y' was not written (EIO); choose another disk"],
    ]) {
      const error = diskError(Object.assign(new Error(), { code }), '/x/y') as Error;
      assert.ok(error instanceof FisherlabError);
      assert.ok(error.message.startsWith(sentence as string), error.message);
    }
  });

  it('passes on errors that do not come from the disk', () => {
    const defect = new TypeError('x is no function');
    assert.equal(diskError(defect, 'file'), defect);
  });
});
