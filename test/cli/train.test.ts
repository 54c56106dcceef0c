import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../../src/cli/main';
import { npyHeader } from '../../src/data/npy';
import { readSafetensors } from '../../src/models/safetensors';
import { uniformAt } from '../../src/numerics/random';
import { fakeMnist } from '../training/fixtures/set';

const ROOT = path.join(__dirname, '../..');

describe('fisherlab train', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-train-'));
    fakeMnist(folder);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /**
   * The real command in a process of its own, interrupted once it has said that it is at a step.
   */
  function interrupted(
    signal: NodeJS.Signals,
    ...words: string[]
  ): Promise<{ said: string; code: number | null }> {
    const args = [
      'bin/fisherlab.js',
      'train',
      '--model',
      'vae',
      '--data',
      'mnist',
      '--batch',
      '4',
      '--held',
      '10',
      ...words,
    ];
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, FISHERLAB_DATA: folder },
    });
    let said = '';
    let sent = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data: Buffer) => {
        said += data;
        if (!sent && /step \d+\//.test(said)) sent = child.kill(signal);
      });
    }
    return new Promise((resolve) => child.on('exit', (code) => resolve({ said, code })));
  }

  it('saves and ends on Ctrl-C, and resumes where it was', async () => {
    const out = path.join(folder, 'run');
    const steps = ['--steps', '100000', '--out', out];
    const step = () =>
      (
        JSON.parse(readSafetensors(path.join(out, 'state.safetensors')).metadata.run as string) as {
          step: number;
        }
      ).step;
    const first = await interrupted('SIGINT', ...steps);
    assert.equal(first.code, 130, first.said);
    assert.match(
      first.said,
      /training vae \(small\) on mnist, 100000 steps, .*\nmnist train: all \d+ images of FISHERLAB_DATA\nstep \d+\/100000 {2}loss .* images\/s {2}.* left\n/,
    );
    assert.match(first.said, /stopped and saved; continue with --resume\n$/);
    const before = step();
    const second = await interrupted('SIGTERM', ...steps, '--resume');
    assert.equal(second.code, 143, second.said);
    assert.equal(Number(/step (\d+)\//.exec(second.said)?.[1]), before + 1);
    assert.ok(step() > before);
  });

  it('leaves the curve in the folder as figures, in the unit of the loss and in bits/dim; a resumed run too', async () => {
    const out = path.join(folder, 'figures');
    const words = [
      '--model',
      'vae',
      '--data',
      'mnist',
      '--batch',
      '4',
      '--held',
      '10',
      '--steps',
      '3',
      '--out',
      out,
    ];
    const [before, { log }, said] = [process.env.FISHERLAB_DATA, console, [] as string[]];
    process.env.FISHERLAB_DATA = folder;
    console.log = (line: string) => void said.push(line);
    const figures = ['curve.svg', 'bits-per-dim.svg'].map((name) => path.join(out, name));
    try {
      await run(['node', 'fisherlab', 'train', ...words]);
      for (const file of figures) rmSync(file);
      await run(['node', 'fisherlab', 'train', ...words, '--resume']);
    } finally {
      console.log = log;
      if (before === undefined) delete process.env.FISHERLAB_DATA;
      else process.env.FISHERLAB_DATA = before;
    }
    assert.match(said.join('\n'), /held out \d+\.\d{4} \(\d+\.\d{3} bits\/dim\) at step 3/);
    const [loss, bits] = figures.map((file) => readFileSync(file, 'utf8'));
    assert.match(loss ?? '', /^<svg.*squared error \+ KL/s);
    assert.match(bits ?? '', /^<svg.*bits\/dim/s);
  });

  it('says what is wrong with an option before doing anything', async () => {
    const out = path.join(folder, 'nothing');
    const { log } = console;
    console.log = () => {};
    try {
      const train = (...words: string[]) =>
        run(['node', 'fisherlab', 'train', '--out', out, ...words]);
      await assert.rejects(
        train('--model', 'gan', '--data', 'mnist'),
        /model family 'gan' is not known; choose one of glow, diffusion, vae/,
      );
      await assert.rejects(
        train('--model', 'vae', '--data', 'minst'),
        /data set 'minst' is not known/,
      );
      const vae = ['--model', 'vae', '--data', 'mnist'];
      await assert.rejects(
        train(...vae, '--batch', '0'),
        /'--batch <n>' argument '0' is invalid\. Give a whole number from 1 on/,
      );
      await assert.rejects(
        train(...vae, '--steps', '1.5'),
        /'--steps <n>' argument '1\.5' is invalid\. Give a whole number/,
      );
      await assert.rejects(
        train(...vae, '--learning-rate', 'fast'),
        /'--learning-rate <x>' argument 'fast' is invalid\. Give a number/,
      );
      await assert.rejects(
        train(...vae, '--clip', '-1'),
        /'--clip <x>' argument '-1' is invalid\. Give a number that is not below 0/,
      );
    } finally {
      console.log = log;
    }
    assert.ok(!existsSync(out));
  });

  it('trains on your own folder, whose test images are then the usual ones for detect', async () => {
    const own = path.join(folder, 'own');
    mkdirSync(own);
    const pixels = Uint8Array.from({ length: 600 * 1024 }, (_, k) => 256 * uniformAt(5, k));
    writeFileSync(path.join(own, 'a.npy'), Buffer.concat([npyHeader([600, 32, 32, 1]), pixels]));
    const out = path.join(folder, 'own-run');
    const said: string[] = [];
    const { log } = console;
    console.log = (line: string) => void said.push(line);
    try {
      const training = ['--batch', '4', '--held', '10', '--steps', '3', '--out', out];
      await run(['node', 'fisherlab', 'train', '--model', 'vae', '--data', own, ...training]);
      const model = path.join(out, 'model.safetensors');
      const one = path.join(folder, 'one.npy');
      writeFileSync(one, Buffer.concat([npyHeader([1, 32, 32, 1]), pixels.subarray(0, 1024)]));
      const images = ['--out', one, '--to', path.join(folder, 'found')];
      await run(['node', 'fisherlab', 'detect', '--model', model, ...images]);
    } finally {
      console.log = log;
    }
    const split = (side: string) =>
      Number(
        new RegExp(`own ${side}: (\\d+) of 600 images of your own`).exec(said.join('\n'))?.[1],
      );
    assert.equal(split('train') + split('test'), 600);
    assert.match(
      said.join('\n'),
      new RegExp(`from ${Math.floor(split('test') / 2)} images of own`),
    );
  });
});
