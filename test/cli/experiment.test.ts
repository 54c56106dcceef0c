import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { startBackend } from '../../src/backend/start';
import { run } from '../../src/cli/main';
import { dataset } from '../../src/data/dataset';
import { npyHeader } from '../../src/data/npy';
import { csv } from '../../src/experiments/detection';
import { readModelResults } from '../../src/experiments/results-file';
import type { Summary } from '../../src/experiments/summary';
import { saveTinyGlow } from '../support/tiny';

/** Runs a command and gives what it printed. */
async function fisherlab(...line: string[]): Promise<string> {
  const said: string[] = [];
  const { log } = console;
  console.log = (text: string) => said.push(text);
  try {
    await run(['node', 'fisherlab', ...line]);
  } finally {
    console.log = log;
  }
  return said.join('\n');
}

let folder: string;
let model: string;
before(async () => {
  await startBackend();
  folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-experiment-'));
  model = path.join(folder, 'tiny.safetensors');
  await saveTinyGlow(model);
});
after(() => rmSync(folder, { recursive: true }));

describe('fisherlab experiment', () => {
  it('writes a model’s results, the summary and figures, and goes on to the next model where one cannot be tried', async () => {
    const out = path.join(folder, 'results');
    const line = [
      '--limit',
      '20',
      '--batch-sizes',
      '2',
      '--skip',
      'diagonal-fisher-norm',
      '--out',
      out,
    ];
    const stranger = path.join(folder, 'stranger.safetensors');
    await saveTinyGlow(stranger, 'imagenet32');
    await assert.rejects(
      fisherlab('experiment', 'paper-tables', '--models', `${stranger},${model}`, ...line),
      /no results of stranger: model 'stranger' .*; the other models are done/,
    );
    const said = await fisherlab('experiment', 'paper-tables', '--models', model, ...line);
    const [results] = readModelResults(out);
    assert.equal(results?.in, 'fashion_mnist');
    assert.equal(results?.limit, 20);
    assert.ok(
      results?.rows.every(
        ({ batchSize, method }) => batchSize === 2 && !method.includes('score statistic'),
      ),
    );
    const summary = JSON.parse(readFileSync(path.join(out, 'summary.json'), 'utf8')) as Summary;
    const likelihood = summary.families[0]?.methods.find(({ method }) => method === 'likelihood');
    const rows = results?.rows.filter(({ method }) => method === 'likelihood') ?? [];
    assert.ok(
      Math.abs(
        (likelihood?.mean as number) -
          rows.reduce((sum, { auroc }) => sum + auroc.value, 0) / rows.length,
      ) < 1e-12,
    );
    assert.match(said, new RegExp(`likelihood +${likelihood?.mean.toFixed(3)} `));
    assert.ok(existsSync(path.join(out, 'figures', 'glow-grey-halves-2-differences.svg')));
    assert.ok(existsSync(path.join(out, 'figures', 'tiny-pairs-2.svg')));
  });

  it('names what it does not understand', async () => {
    const tables = (...line: string[]) =>
      fisherlab('experiment', 'paper-tables', '--models', model, ...line);
    await assert.rejects(
      tables('--batch-sizes', '1,x'),
      /'--batch-sizes <list>' argument '1,x' is invalid\. 'x' is none: give whole numbers from 1 on/,
    );
    await assert.rejects(
      tables('--skip', 'everything'),
      /column to skip 'everything' is not known; choose one of diagonal/,
    );
    await assert.rejects(
      tables('--limit', '0'),
      /'--limit <n>' argument '0' is invalid\. Give a whole number from 1 on/,
    );
    await assert.rejects(
      fisherlab('experiment', 'ablations', 'nothing'),
      /model 'nothing' is not known/,
    );
  });
});

describe('fisherlab update', () => {
  it('names a model that is not shipped', async () => {
    await assert.rejects(
      fisherlab('update', model),
      /shipped model '.*' is not known; choose one of/,
    );
  });
});

describe('fisherlab detect', () => {
  it('scores pictures and arrays, gives images like the set larger p-values than noise, and draws them', async () => {
    const { images } = await dataset('fashion_mnist', 'test', { limit: 220 });
    // the last 20, which the detector has seen neither to fit nor to compare
    const own = path.join(folder, 'usual.npy');
    writeFileSync(own, Buffer.concat([npyHeader([20, 32, 32, 1]), images.subarray(200 * 1024)]));
    const noise = path.join(folder, 'noise, "loud".png');
    const loud = Buffer.from(
      Uint8Array.from({ length: 1024 }, (_, k) => (k * 7919 * (k + 3)) % 256),
    );
    writeFileSync(
      noise,
      await sharp(loud, { raw: { width: 32, height: 32, channels: 1 } })
        .png()
        .toBuffer(),
    );
    const to = path.join(folder, 'found');
    const line = ['--model', model, '--out', own, noise, '--limit', '200', '--to', to];
    const said = await fisherlab('detect', ...line, '--format', 'json');
    const { images: scored } = JSON.parse(readFileSync(path.join(to, 'scores.json'), 'utf8')) as {
      images: { image: string; score: number; p: number }[];
    };
    assert.equal(scored.length, 21);
    assert.equal(scored[20]?.image, noise);
    assert.equal(scored[20]?.p, 1 / 101); // the smallest that 100 usual images allow
    const usual = scored.slice(0, 20).map(({ p }) => p);
    assert.ok(
      usual.filter((p) => p <= 0.05).length <= 4 && usual.some((p) => p > 0.5),
      String(usual),
    );
    assert.match(said, /^fashion_mnist test: first 200 of [\d,]+ images of .+\n/);
    assert.match(
      said,
      /of 21 images have p ≤ 0\.05 .* against 100 images of fashion_mnist, by layer-wise gradients/,
    );
    assert.equal((await sharp(path.join(to, 'most-and-least.png')).metadata()).format, 'png');
  });

  it('writes CSV that keeps commas and quotes in names', () => {
    assert.equal(
      csv([{ image: 'a, "b".png', score: 1.5, p: 0.25 }]),
      'image,score,p\n"a, ""b"".png",1.5,0.25\n',
    );
  });

  it('refuses what it cannot do, in one line', async () => {
    const detect = (...line: string[]) => fisherlab('detect', '--model', model, ...line);
    await assert.rejects(
      detect('--out', path.join(folder, 'no.png')),
      /'.*no\.png' does not exist/,
    );
    await assert.rejects(detect('--out', model), /is no image; its name should end in/);
    await assert.rejects(
      detect('--in', 'cifar10', '--out', model),
      /'cifar10' has 3 channels and the model 'tiny' takes 1/,
    );
    await assert.rejects(
      detect('--detector', 'magic', '--out', model),
      /detector 'magic' is not known/,
    );
    const one = path.join(folder, 'one.npy');
    writeFileSync(one, Buffer.concat([npyHeader([1, 32, 32, 1]), Buffer.alloc(1024)]));
    await assert.rejects(
      detect('--detector', 'likelihood regret', '--out', one, '--limit', '8'),
      /needs likelihood-regret, which the glow model 'tiny' does not have/,
    );
  });
});
