import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startBackend } from '../../src/backend/start';
import { run } from '../../src/cli/main';
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
  it('writes a model’s results, the summary and figures, and continues with the next model if one cannot be tried', async () => {
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
      /no results for stranger: model 'stranger' .*; the other models are done/,
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
      /'--batch-sizes <list>' argument '1,x' is invalid\. 'x' is not a whole number: give numbers from 1 on/,
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
