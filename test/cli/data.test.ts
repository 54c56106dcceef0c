import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import sharp from 'sharp';
import { register } from '../../src/cli/data';
import { ownFolder } from '../data/help';

/** Runs the command line in this process; what it said on stdout and stderr. */
async function run(...words: string[]): Promise<{ out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []];
  const { log, error } = console;
  console.log = (line: string) => void out.push(line);
  console.error = (line: string) => void err.push(line);
  try {
    const program = new Command().exitOverride();
    register(program);
    await program.parseAsync(['node', 'fisherlab', 'data', ...words]);
  } finally {
    Object.assign(console, { log, error });
  }
  return { out: `${out.join('\n')}\n`, err: err.join('\n') };
}

describe('fisherlab data', () => {
  const folder = ownFolder();

  it('list shows every set with what is on this machine', async () => {
    const { out } = await run('list');
    assert.match(
      out,
      /svhn {3,}Street View House Numbers.*\n +not on this machine\n +non-commercial/,
    );
    assert.match(out, /fashion_mnist .*\n +test 4,000 \(the embedded excerpt\)\n +MIT/);
    assert.equal(out.trimEnd().split('\n').length, 3 * 13);
  });

  it('describe prints counts and means and writes a contact sheet', async () => {
    const sheet = path.join(folder(), 'sheets', 'c.png');
    const { out } = await run('describe', 'cifar10', '--limit', '20', '--sheet', sheet);
    assert.match(out, /source {3}cifar10 test: first 20 of 1,000 images of the embedded excerpt/);
    assert.match(out, /mean( +0\.\d{4}){3}/);
    assert.equal((await sharp(sheet).metadata()).format, 'png');
  });

  it('download shows the terms, asks for a file and agreement if the owner does, and checks all names first', async () => {
    await assert.rejects(run('download', 'celeba'), /asks for your agreement .*--from FILE/);
    const file = path.join(folder(), 'mine.zip');
    writeFileSync(file, 'hello');
    await assert.rejects(
      run('download', 'celeba', '--from', file),
      /asks you to agree to these terms; answer yes, or give --agree/,
    );
    await assert.rejects(
      run('download', 'celeba', '--from', file, '--agree'),
      /is not an official file of 'celeba'/,
    );
    await assert.rejects(run('download', 'mnist', 'cifar11'), /'cifar11' is not known/);
    await assert.rejects(
      run('download', 'mnist', 'kmnist', '--from', file),
      /--from works with one data set only/,
    );
    assert.ok(!existsSync(path.join(folder(), 'fisherlab', 'data', 'mnist')), 'nothing was begun');
  });
});
