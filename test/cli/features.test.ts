import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import sharp from 'sharp';
import { startBackend } from '../../src/backend/start';
import { register as detect } from '../../src/cli/detect';
import { register as features } from '../../src/cli/features';
import { register as merge } from '../../src/cli/merge';
import { ownImages } from '../../src/data/own-images';
import { extractTables } from '../../src/features/extract';
import { BY_PIXELS } from '../../src/features/noise-indices';
import { type Piece, TableFile } from '../../src/features/table-file';
import { disposeModel, loadModel } from '../../src/models/checkpoint';
import { uniformAt } from '../../src/numerics/random';
import { saveTinyGlow } from '../support/tiny';

/** Three parts: 240, 240 and 20 images. */
const COUNT = 500;

/** Runs a command line in this process; what it said. */
async function run(...words: string[]): Promise<string> {
  const said: string[] = [];
  const { log } = console;
  console.log = (line: string) => void said.push(line);
  try {
    const program = new Command().exitOverride();
    for (const register of [features, merge, detect]) register(program);
    await program.parseAsync(['node', 'fisherlab', ...words]);
  } finally {
    console.log = log;
  }
  return `${said.join('\n')}\n`;
}

async function onlyPiece(file: string): Promise<Piece> {
  const pieces: Piece[] = [];
  for await (const piece of (await TableFile.open(file)).pieces()) pieces.push(piece);
  assert.equal(pieces.length, 1);
  return pieces[0] as Piece;
}

describe('fisherlab features, merge and detect --features on a folder of pictures', () => {
  let folder: string;
  const at = (...names: string[]) => path.join(folder, ...names);
  const picture = (k: number) => at('scans', `${String(k).padStart(3, '0')}.png`);

  before(async () => {
    await startBackend();
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-features-'));
    mkdirSync(at('scans'));
    for (let k = 0; k < COUNT; k++) {
      const pixels = Buffer.from(
        Array.from({ length: 32 * 32 }, (_, j) => Math.floor(256 * uniformAt(k, j))),
      );
      const png = sharp(pixels, { raw: { width: 32, height: 32, channels: 1 } }).png();
      await png.toFile(picture(k));
    }
    writeFileSync(at('scans', 'broken.png'), 'no picture');
    await saveTinyGlow(at('one.safetensors'));
    await saveTinyGlow(at('two.safetensors'), 'mnist');
  });
  after(() => rmSync(folder, { recursive: true }));

  const words = (to: string, ...more: string[]) => [
    'features',
    ...['--model', [at('one.safetensors'), at('two.safetensors')].join(',')],
    ...['--in', at('scans'), '--to', at(to)],
    ...more,
  ];

  it('write one row per batch with the name of its first picture and the numbers of extractTables, and say what is left out', async () => {
    const said = await run(...words('single'));
    assert.match(said, /left out: '.*broken\.png' cannot be read as an image/);
    assert.deepEqual(readdirSync(at('single')).sort(), [
      'one.scans.B1.parquet',
      'one.scans.B5.parquet',
      'two.scans.B1.parquet',
      'two.scans.B5.parquet',
    ]);
    const { images } = await ownImages([at('scans')], { height: 32, width: 32, channels: 1 });
    const { model } = loadModel(at('one.safetensors'));
    const options = { batchSizes: [1, 5], seed: 1, noiseIndices: BY_PIXELS };
    const tables = await extractTables(model, images, options);
    disposeModel(model);
    for (const [b, B] of [1, 5].entries()) {
      const piece = await onlyPiece(at('single', `one.scans.B${B}.parquet`));
      assert.deepEqual(piece.table, tables[b]);
      assert.deepEqual(
        piece.images,
        Array.from({ length: COUNT / B }, (_, k) => picture(k * B)),
      );
    }
  });

  it('give the files of a single run, byte for byte, when shards are merged; a missing shard is named', async () => {
    await run(...words('shards', '--shard', '1/3'));
    await run(...words('shards', '--shard', '0/3'));
    await assert.rejects(run('merge', at('shards')), /4 shards are missing: .*shard-2-of-3/);
    await run(...words('shards', '--shard', '2/3'));
    const said = await run('merge', at('shards'));
    assert.match(said, /one\.scans\.B5\.parquet: 100 rows of 3 shards/);
    for (const name of readdirSync(at('single')))
      assert.ok(readFileSync(at('shards', name)).equals(readFileSync(at('single', name))), name);
  });

  it('take the shard from Slurm if it also says how many there are', async () => {
    process.env.SLURM_ARRAY_TASK_ID = '2';
    process.env.SLURM_ARRAY_TASK_COUNT = '3';
    try {
      await run(...words('slurm'));
      assert.deepEqual(
        readdirSync(at('slurm', 'shards')),
        readdirSync(at('shards', 'shards')).filter((name) => name.includes('shard-2-of-3')),
      );
      process.env.SLURM_ARRAY_TASK_MIN = '2';
      await assert.rejects(run(...words('slurm')), /does not name a share; submit with --array=0-/);
    } finally {
      for (const name of ['ID', 'COUNT', 'MIN']) delete process.env[`SLURM_ARRAY_TASK_${name}`];
    }
  });

  it('score tables by several detectors at once as by each alone, in the order of the files', async () => {
    const scores = async (detectors: string) => {
      const to = at(`scores ${detectors}`);
      const said = await run(
        'detect',
        ...['--in', at('single', 'one.scans.B5.parquet')],
        ...['--features', at('shards', 'one.scans.B5.parquet'), '--detector', detectors],
        ...['--to', to],
      );
      assert.match(said, /scores\.csv, \d+ rows/);
      const [head, ...lines] = readFileSync(path.join(to, 'scores.csv'), 'utf8').trim().split('\n');
      assert.equal(head, 'file,image,B,detector,score,p');
      return lines;
    };
    const both = await scores('layer-wise gradients,typicality');
    assert.equal(both.length, 200);
    const alone = [await scores('layer-wise gradients'), await scores('typicality')];
    assert.deepEqual(both, alone.flat().sort(byPlaceIn(both)));
    assert.deepEqual(
      alone[1]?.map((line) => line.split(',')[1]),
      Array.from({ length: 100 }, (_, k) => picture(5 * k)),
    );
  });

  it('do not compare tables of two models', async () => {
    await assert.rejects(
      run(
        'detect',
        ...['--in', at('single', 'one.scans.B5.parquet')],
        ...['--features', at('single', 'two.scans.B5.parquet'), '--to', at('no')],
      ),
      /cannot be compared: they differ in model; make both with the same fisherlab features command/,
    );
  });

  it('say which options cannot be combined', async () => {
    await assert.rejects(
      run(...words('no', '--limit', '9')),
      /--limit is for data sets; give paths of fewer images/,
    );
    await assert.rejects(
      run('features', '--model', 'x', '--in', 'mnist', at('scans'), '--to', at('no')),
      /model 'x' is not known/,
    );
    await assert.rejects(
      run('detect', '--features', at('single', 'one.scans.B1.parquet')),
      /exactly one table of usual images is needed; give one with --in/,
    );
  });
});

/** The order of lines in a list. */
function byPlaceIn(lines: readonly string[]): (a: string, b: string) => number {
  return (a, b) => lines.indexOf(a) - lines.indexOf(b);
}
