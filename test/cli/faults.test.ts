import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { damaged } from '../../src/cli/fault-damage';
import { formats } from '../../src/cli/fault-formats';
import { fuzz } from '../../src/cli/fault-fuzz';
import { kill } from '../../src/cli/fault-kills';
import { limit } from '../../src/cli/fault-limits';
import { fisherlab } from '../../src/cli/fault-processes';

// The whole campaign is `npm run bench -- faults`; these are its first numbers.
describe('the fault campaign', () => {
  it('damages copies of a file in every way, and in the same way for the same seed', () => {
    const file = Buffer.alloc(2000, 7);
    const copies = Array.from({ length: 60 }, (_, seed) => damaged(file, seed));
    assert.ok(file.equals(Buffer.alloc(2000, 7)));
    assert.ok(copies.every((copy, seed) => copy.equals(damaged(file, seed))));
    const lengths = copies.map(({ length }) => Math.sign(length - file.length));
    assert.deepEqual([...new Set(lengths)].sort(), [-1, 0, 1]);
    assert.ok(copies.every((copy) => !copy.equals(file)));
  });

  it('waits for what a command leaves behind, and ends it if it stays', async () => {
    const left = async (seconds: number) => {
      const shell = `sleep ${seconds} & echo $!;`;
      const { status, said, leftProcess } = await fisherlab(['--version'], { shell });
      assert.equal(status, 0);
      return { leftProcess, sleeper: Number(said.split('\n')[0]) };
    };
    assert.equal((await left(0.6)).leftProcess, false);
    const { leftProcess, sleeper } = await left(600);
    assert.equal(leftProcess, true);
    // A killed process takes a moment to end. Linux shows its command line as empty from then on.
    const command = () => readFile(`/proc/${sleeper}/cmdline`, 'utf8').catch(() => '');
    for (let tries = 0; tries < 100 && (await command()) !== ''; tries++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(await command(), '');
  });

  it('finds that damaged files of every format are refused in one line or read, and nothing else', async () => {
    const cache = process.env.XDG_CACHE_HOME;
    for (const { name } of formats()) {
      const { files, refused, read, findings } = await fuzz(name, 6, 1);
      assert.deepEqual({ name, findings }, { name, findings: [] });
      assert.equal(refused + read, files);
      assert.ok(refused > 0, `nothing of ${name} was refused`);
    }
    assert.equal(process.env.XDG_CACHE_HOME, cache);
  });

  it('finds that a killed download resumes and makes the same files', async () => {
    assert.deepEqual((await kill(1, 1, 'data download')).findings, []);
  });

  it('finds that a command without room for its files, its output or its folder says so', async () => {
    const limits = [
      'files of 1 kB at most',
      'a full standard output',
      'output where nothing can be',
    ];
    const { worked, refused, findings } = await limit(limits);
    assert.deepEqual({ worked, refused, findings }, { worked: 0, refused: 3, findings: [] });
  });
});
