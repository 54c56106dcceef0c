import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FisherlabError } from '../../src/backend/errors';
import { diskError, makeFolder, writeBeside } from '../../src/backend/write';

describe('a file that is written', () => {
  let folder: string;
  const at = (...names: string[]) => path.join(folder, ...names);
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-write-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

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

  it('is there alone, its folder made, and takes the place of an older one', async () => {
    await writeBeside(at('a', 'b', 'c.txt'), 'old');
    await writeBeside(at('a', 'b', 'c.txt'), Uint8Array.of(110, 101, 119));
    assert.deepEqual(readdirSync(at('a', 'b')), ['c.txt']);
    assert.equal(readFileSync(at('a', 'b', 'c.txt'), 'utf8'), 'new');
  });

  it('takes away what a killed process left beside it, and nothing of one that lives', async () => {
    const { pid: gone } = spawnSync(process.execPath, ['--version']);
    const others = [`c.txt.${process.ppid}.part`, `d.txt.${gone}.part`];
    for (const name of [`c.txt.${gone}.part`, ...others]) writeFileSync(at(name), 'half');
    await writeBeside(at('c.txt'), 'new');
    assert.deepEqual(readdirSync(folder).sort(), ['c.txt', ...others].sort());
  });

  it('where something is in the way says so in one line', async () => {
    writeFileSync(at('file'), 'x');
    mkdirSync(at('folder'));
    const says =
      /cannot be written \((EEXIST|ENOTDIR|EISDIR)\); a file or folder of that name is in the way: choose another$/;
    await refused(() => writeBeside(at('file', 'c.txt'), 'x'), says);
    await refused(() => writeBeside(at('file', 'deeper', 'c.txt'), 'x'), says);
    await refused(() => writeBeside(at('folder'), 'x'), says);
    await refused(() => makeFolder(at('file')), says);
  });

  it('on a full disk leaves the older one as it was', async function () {
    if (!existsSync('/dev/full')) this.skip();
    writeFileSync(at('c.txt'), 'old');
    symlinkSync('/dev/full', at(`c.txt.${process.pid}.part`)); // where the bytes go first
    await assert.rejects(
      writeBeside(at('c.txt'), 'new'),
      /the disk is full: '.*c\.txt' was not written; make room and try again/,
    );
    assert.deepEqual(readdirSync(folder), ['c.txt']);
    assert.equal(readFileSync(at('c.txt'), 'utf8'), 'old');
  });

  it('where one may not write says which folders can be chosen', () => {
    // Whoever runs the tests may be allowed everything.
    for (const code of ['EACCES', 'EROFS', 'EPERM']) {
      const error = diskError(Object.assign(new Error(), { code }), '/x/y') as Error;
      assert.equal(
        error.message,
        `'/x/y' cannot be written (${code}); choose a folder that you may write to; downloads go where XDG_CACHE_HOME says`,
      );
    }
  });

  it('passes on what is no matter of the disk', () => {
    const defect = new TypeError('x is no function');
    assert.equal(diskError(defect, 'file'), defect);
  });
});
