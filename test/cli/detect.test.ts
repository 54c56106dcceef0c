import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { JSDOM } from 'jsdom';
import sharp from 'sharp';
import { startBackend } from '../../src/backend/start';
import { run } from '../../src/cli/main';
import { dataset } from '../../src/data/dataset';
import { npyHeader } from '../../src/data/npy';
import type { Scored } from '../../src/experiments/index';
import { saveTinyGlow } from '../support/tiny';

type Row = Record<
  | 'model'
  | 'image'
  | 'class'
  | 'score'
  | 'error'
  | 'p'
  | 'strange'
  | 'sure'
  | 'treatment'
  | 'left out',
  string
>;

let folder: string;
let model: string;
/** Pixels of the last 20 of 220 images, which no detector here has seen. */
let familiar: Uint8Array;

/** Runs a command and gives what it printed, and its exit status. */
async function fisherlab(...line: string[]): Promise<{ said: string; status: number }> {
  const said: string[] = [];
  const { log } = console;
  console.log = (text: string) => said.push(text);
  try {
    await run(['node', 'fisherlab', ...line]);
    return { said: said.join('\n'), status: Number(process.exitCode ?? 0) };
  } finally {
    console.log = log;
    process.exitCode = undefined;
  }
}

/** Detects, with 200 usual images, into a folder of its own. */
async function detect(name: string, ...line: string[]) {
  const to = path.join(folder, 'found', name);
  const result = await fisherlab(
    ...['detect', '--model', model, '--limit', '200', '--to', to],
    ...line,
  );
  const rows = (): Row[] => parse(readFileSync(path.join(to, 'scores.csv')), { columns: true });
  return { ...result, to, rows };
}

const grey = (pixels: Uint8Array, file: string) =>
  sharp(pixels, { raw: { width: 32, height: 32, channels: 1 } })
    .png()
    .toFile(file);
const noise = Uint8Array.from({ length: 1024 }, (_, k) => (k * 7919 * (k + 3)) % 256);
const image = (k: number) => familiar.subarray(k * 1024, (k + 1) * 1024);

before(async () => {
  await startBackend();
  folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-detect-'));
  model = path.join(folder, 'tiny.safetensors');
  await saveTinyGlow(model);
  familiar = (await dataset('fashion_mnist', 'test', { limit: 220 })).images.subarray(200 * 1024);
  for (const name of ['known', 'noise'])
    mkdirSync(path.join(folder, 'mixed', name), { recursive: true });
  for (let k = 0; k < 6; k++) await grey(image(k), path.join(folder, 'mixed', 'known', `${k}.png`));
  await grey(noise, path.join(folder, 'mixed', 'noise', 'loud.png'));
});
after(() => rmSync(folder, { recursive: true }));

describe('fisherlab detect', () => {
  it('scores pictures and arrays, gives images like the set larger p-values than noise, and draws them', async () => {
    const own = path.join(folder, 'usual.npy');
    writeFileSync(own, Buffer.concat([npyHeader([20, 32, 32, 1]), familiar]));
    const loud = path.join(folder, 'noise, "loud".png');
    await grey(noise, loud);
    const { said, to, status } = await detect('many', '--out', own, loud, '--format', 'json');
    const [found] = JSON.parse(readFileSync(path.join(to, 'scores.json'), 'utf8')) as {
      images: Scored[];
    }[];
    const scored = found?.images ?? [];
    assert.equal(scored.length, 21);
    assert.equal(scored[20]?.image, loud);
    assert.equal(scored[20]?.p, 1 / 101); // the smallest that 100 usual images allow
    assert.deepEqual([scored[20]?.strange, scored[20]?.sure], [true, true]);
    const usual = scored.slice(0, 20).map(({ p }) => p);
    assert.ok(
      usual.filter((p) => p <= 0.05).length <= 4 && usual.some((p) => p > 0.5),
      String(usual),
    );
    assert.match(said, /^fashion_mnist test: first 200 of [\d,]+ images of .+\n/);
    assert.match(
      said,
      /of 21 images are strange at a false-positive rate of 5 %, 1 of them surely/,
    );
    assert.match(
      said,
      /from 100 images of fashion_mnist that fitted nothing: its rate is 5\.0 % \[/,
    );
    assert.equal(status, 0);
    assert.equal((await sharp(path.join(to, 'most-and-least.png')).metadata()).format, 'png');
  });

  it('gives an image the same verdict whatever other images there are, in any order', async () => {
    const one = path.join(folder, 'mixed', 'known', '3.png');
    const alone = (await detect('one', '--out', one)).rows();
    assert.equal(alone.length, 1);
    const all = (await detect('all', '--out', path.join(folder, 'mixed'))).rows();
    const order = [5, 3, 0].map((k) => path.join(folder, 'mixed', 'known', `${k}.png`));
    const some = (await detect('some', '--out', ...order, one)).rows();
    const verdict = ({ score, error, p, strange, sure }: Row) => [score, error, p, strange, sure];
    for (const rows of [all, some])
      for (const row of rows.filter((each) => each.image === one))
        assert.deepEqual(verdict(row), verdict(alone[0] as Row));
    assert.equal(some.filter((each) => each.image === one).length, 2);
    const other = (await detect('seed', '--out', one, '--seed', '2')).rows();
    assert.notEqual(other[0]?.score, alone[0]?.score, 'another seed is other noise');
  });

  it('compares classes, from folders or a file, with the usual images or with a usual class', async () => {
    const own = path.join(folder, 'mixed');
    const byFolder = await detect('folders', '--out', own);
    assert.deepEqual(
      byFolder.rows().map((row) => row.class),
      ['known', 'known', 'known', 'known', 'known', 'known', 'noise'],
    );
    assert.match(byFolder.said, /noise +1 +1\.000\s\[1\.000,\s1\.000\]/);
    const labels = path.join(folder, 'labels.csv');
    writeFileSync(labels, 'image,class\nnoise/loud.png,loud\n1.png,quiet\n2.png,quiet\n');
    const byFile = await detect(
      'labels',
      ...['--out', own, '--labels', labels, '--usual-class', 'quiet'],
    );
    assert.match(byFile.said, /loud +1 +1\.000/);
    assert.doesNotMatch(byFile.said, /quiet +2/);
    await assert.rejects(
      detect('none', '--out', own, '--usual-class', 'x'),
      /no image is of the class 'x'; choose one of known, noise/,
    );
  });

  it('accepts your own images as the usual ones', async () => {
    const usual = path.join(folder, 'twenty.npy');
    writeFileSync(usual, Buffer.concat([npyHeader([20, 32, 32, 1]), familiar]));
    const to = path.join(folder, 'found', 'own');
    const one = path.join(folder, 'mixed', 'noise', 'loud.png');
    const line = ['detect', '--model', model, '--in', usual, '--out', one, '--to', to];
    const { said } = await fisherlab(...line, '--false-positive-rate', '0.1');
    assert.match(said, /^twenty\.npy: 20 images of your own\n/);
    assert.match(said, /1 of 1 images are strange at a false-positive rate of 10 %/);
    await assert.rejects(
      fisherlab(...line),
      /10 usual images to compare with cannot show a false-positive rate of 0\.05; give at least 38/,
    );
  });

  it('lists images that were left out with the reason and sets the status, or stops at the first', async () => {
    const own = path.join(folder, 'broken');
    mkdirSync(own);
    await grey(image(1), path.join(own, 'good.png'));
    writeFileSync(path.join(own, 'bad.png'), 'not a picture');
    writeFileSync(path.join(own, '.hidden.png'), '');
    writeFileSync(path.join(own, 'notes.txt'), '');
    const { said, rows, status } = await detect('left', '--out', own);
    assert.equal(status, 2);
    assert.match(said, /1 hidden files were skipped\n1 files that are not images/);
    assert.deepEqual(
      rows().map((row) => [path.basename(row.image), row.p === '', row['left out']]),
      [
        ['good.png', false, ''],
        ['bad.png', true, 'cannot be read as an image: its content is of no known format'],
      ],
    );
    await assert.rejects(detect('strict', '--out', own, '--strict'), /bad\.png' cannot be read/);
  });

  it('says what was done to each image, and follows the options', async () => {
    const wide = path.join(folder, 'wide.png');
    await sharp(Buffer.alloc(64 * 48, 9), { raw: { width: 64, height: 48, channels: 1 } })
      .png()
      .toFile(wide);
    const treated = async (...line: string[]) =>
      (await detect('fit', '--out', wide, ...line)).rows()[0]?.treatment;
    // Grey sets are 28x28 in a frame of black.
    assert.equal(await treated(), 'resized from 64x48; padded');
    assert.equal(await treated('--fit', 'crop'), 'cropped from 64x48; resized; padded');
    const array = path.join(folder, 'floats.npy');
    const header = npyHeader([32, 32]).toString('latin1').replace("'|u1'", "'<f4'");
    writeFileSync(array, Buffer.concat([Buffer.from(header, 'latin1'), Buffer.alloc(4096)]));
    const { rows } = await detect('floats', '--out', array, '--values', '0..1', '--layout', 'HW');
    assert.equal(rows()[0]?.treatment, 'from float32 in 0..1');
    await assert.rejects(detect('floats', '--out', array), /give the values: 0\.\.1 or/);
  });

  it('writes names that look like formulas as plain text for spreadsheets', async () => {
    const formulas = ['=1+1', '+cmd', '-x', '@SUM(A1)'];
    const own = path.join(folder, 'formulas');
    for (const name of formulas) {
      mkdirSync(path.join(own, name), { recursive: true });
      await grey(noise, path.join(own, name, 'a.png'));
    }
    const classes = (await detect('formulas', '--out', own)).rows().map((row) => row.class);
    assert.deepEqual(classes.sort(), formulas.map((name) => `'${name}`).sort());
  });

  it('makes a page that shows any names as text, and needs no network', async () => {
    const name = '<img src=x onerror=alert(1)>&amp;';
    const own = path.join(folder, 'page', '<b>class');
    mkdirSync(own, { recursive: true });
    await grey(image(1), path.join(own, `${name}.png`));
    await grey(image(2), path.join(own, 'two.png'));
    const { to } = await detect('page', '--out', path.join(folder, 'page'));
    const html = readFileSync(path.join(to, 'report.html'), 'utf8');
    const { document } = new JSDOM(html).window;
    const cells = [...document.querySelectorAll('td')].map((cell) => cell.textContent);
    assert.ok(cells.includes(path.join(own, `${name}.png`)));
    assert.ok(cells.includes('<b>class'));
    assert.equal(document.querySelectorAll('script, img, iframe, link').length, 0);
    const addresses = [...html.matchAll(/(?:href|src|url)\s*[=(]\s*["']?([^"')\s]*)/g)]
      .map(([, address]) => address as string)
      .filter((address) => !/^(data:|#)/.test(address));
    // The name above, escaped, is the only one that looks like an address.
    assert.deepEqual(
      [...new Set(addresses)].filter((address) => address !== 'x'),
      [],
    );
  });

  it('refuses what it cannot do, in one line', async () => {
    await assert.rejects(
      detect('no', '--out', path.join(folder, 'no.png')),
      /'.*no\.png' does not exist/,
    );
    await assert.rejects(detect('no', '--out', model), /is not an image; its name should end in/);
    const one = path.join(folder, 'one.npy');
    writeFileSync(one, Buffer.concat([npyHeader([1, 32, 32, 1]), Buffer.alloc(1024)]));
    await assert.rejects(
      detect('no', '--in', 'cifar10', '--out', one),
      /'cifar10' has images of 32x32x3 and the model 'tiny' takes 32x32x1/,
    );
    await assert.rejects(
      detect('no', '--detector', 'magic', '--out', one),
      /detector 'magic' is not known/,
    );
    await assert.rejects(
      detect('no', '--detector', 'likelihood regret', '--out', one),
      /needs likelihood-regret, which the glow model 'tiny' does not have/,
    );
    await assert.rejects(
      detect('no', '--false-positive-rate', '1', '--out', one),
      /Give a number below 1/,
    );
  });
});
