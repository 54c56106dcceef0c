import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { dataset, download, type Step } from '../../src/data/index';
import { onSmallDisk } from '../support/small-disk';
import { bytes, entryWith, md5, ownFolder, servers, tarGz } from './help';

const COUNT = 400;
const PIXELS = bytes(COUNT * 784);
const LABELS = PIXELS.subarray(0, COUNT).map((value) => value % 10);
const head = (...shape: number[]) =>
  Buffer.from([0, 0, 8, shape.length, ...shape.flatMap((n) => [0, 0, n >> 8, n & 255])]);
const IMAGES = gzipSync(Buffer.concat([head(COUNT, 28, 28), PIXELS]));
const FILES = { 'images.gz': IMAGES, 'labels.gz': gzipSync(Buffer.concat([head(COUNT), LABELS])) };

describe('downloading a data set', () => {
  const folder = ownFolder();
  const serve = servers();
  const cache = (...parts: string[]) => path.join(folder(), 'fisherlab', 'data', ...parts);
  const check = async () => {
    const set = await dataset('mnist', 'test');
    assert.equal(set.source, 'mnist test: all 400 images of the official download');
    assert.deepEqual(set.labels, new Uint8Array(LABELS));
    assert.equal(set.images[32 * 32 * 3 + 2 * 32 + 2], PIXELS[784 * 3]);
    assert.deepEqual(readdirSync(cache('mnist')).sort(), [
      'TERMS.txt',
      'official',
      'test-images.npy.gz',
      'test-labels.npy',
      'test-labels.npy.sha256',
    ]);
    assert.deepEqual(
      readdirSync(cache('mnist', 'official')),
      [],
      'the official files are removed once converted',
    );
  };

  it('fetches, converts, cleans up, and the second time finds everything there', async () => {
    const { url, ranges } = await serve(FILES);
    const entry = entryWith('mnist', { test: FILES }, url);
    const steps: Step[] = [];
    assert.deepEqual(await download('mnist', { entry, onStep: (step) => steps.push(step) }), [
      { split: 'test', count: COUNT },
    ]);
    await check();
    assert.ok(steps.some((step) => step.kind === 'fetch' && step.file === 'images.gz'));
    assert.deepEqual(steps.at(-1), { kind: 'convert', split: 'test', count: COUNT });
    assert.match(readFileSync(cache('mnist', 'TERMS.txt'), 'utf8'), /CC BY-SA 3\.0/);
    assert.deepEqual(await download('mnist', { entry }), [
      { split: 'test', count: 'there already' },
    ]);
    assert.equal(ranges.length, 2);
  });

  it('damaged images or labels are set aside and fetched again', async () => {
    const { url, ranges } = await serve(FILES);
    const entry = entryWith('mnist', { test: FILES }, url);
    await download('mnist', { entry });
    for (const [file, at] of [
      ['test-images.npy.gz', 5000],
      ['test-labels.npy', 200],
    ] as const) {
      const bad = readFileSync(cache('mnist', file));
      bad[at] = (bad[at] as number) ^ 1;
      writeFileSync(cache('mnist', file), bad);
      await assert.rejects(dataset('mnist', 'test'), /download the set again/);
      const before = ranges.length;
      assert.deepEqual(await download('mnist', { entry }), [{ split: 'test', count: COUNT }]);
      assert.equal(ranges.length, before + 2);
      assert.deepEqual(readFileSync(cache('mnist', `${file}.bad`)), bad);
      for (const aside of ['test-images.npy.gz.bad', 'test-labels.npy.bad'])
        rmSync(cache('mnist', aside));
      await check();
    }
  });

  it('two at once: one fetches, the other waits and finds it there', async () => {
    const { url, ranges } = await serve(FILES, (_, response) => {
      const end = response.end.bind(response);
      response.end = ((...rest: Parameters<typeof end>) =>
        setTimeout(() => end(...rest), 150)) as unknown as typeof response.end;
      return false;
    });
    const entry = entryWith('mnist', { test: FILES }, url);
    const waits: Step[] = [];
    const onStep = (step: Step) => step.kind === 'wait' && waits.push(step);
    const results = await Promise.all([
      download('mnist', { entry, onStep }),
      download('mnist', { entry, onStep }),
    ]);
    assert.deepEqual(results.map(([one]) => String(one?.count)).sort(), ['400', 'there already']);
    assert.equal(ranges.length, 2, 'each file was asked for once');
    assert.equal(waits.length, 1);
    await check();
  });

  it('after a kill, the next run removes the dead lock and fetches only the rest', async () => {
    const sent = 100_000;
    const { url, ranges } = await serve(FILES, (_, response, tries) => {
      if (tries > 1) return false;
      response.writeHead(200, { 'Content-Length': IMAGES.length });
      response.write(IMAGES.subarray(0, sent)); // and then nothing: it is killed while it waits
      return true;
    });
    const script = path.join(__dirname, 'fixtures', 'download-mnist.ts');
    const child = spawn(
      process.execPath,
      ['--require', 'tsx/cjs', script, url, md5(IMAGES), md5(FILES['labels.gz'])],
      {
        stdio: 'ignore',
      },
    );
    const part = cache('mnist', 'official', 'images.gz.part');
    const closed = new Promise((resolve) => child.once('close', resolve));
    while (
      (!existsSync(part) || statSync(part).size < sent) &&
      child.exitCode === null &&
      existsSync(folder())
    )
      await sleep(20);
    child.kill('SIGKILL');
    await closed;
    assert.ok(existsSync(cache('mnist', 'lock')), 'the kill left its lock');

    await download('mnist', { entry: entryWith('mnist', { test: FILES }, url) });
    assert.deepEqual(ranges, ['', `bytes=${sent}-`, '']);
    await check();
  });

  it('a kill during the conversion leaves no set, and nothing that disturbs the next run', async () => {
    const { url } = await serve(FILES);
    mkdirSync(cache('mnist'), { recursive: true });
    const { pid: gone } = spawnSync(process.execPath, ['--version']);
    writeFileSync(
      cache('mnist', `test-images.npy.gz.${hostname()}-${gone}-0123abcd.part`),
      bytes(5000),
    );
    await assert.rejects(dataset('mnist', 'train'), /not on this machine/);
    await download('mnist', { entry: entryWith('mnist', { test: FILES }, url) });
    await check();
  });

  it('a full disk during the conversion is reported and leaves nothing half-written', async function () {
    const { url } = await serve(FILES);
    mkdirSync(cache('mnist'), { recursive: true });
    // room for the official files and a half of what is made of them
    await onSmallDisk(this, cache('mnist'), 600, async () => {
      await assert.rejects(
        download('mnist', { entry: entryWith('mnist', { test: FILES }, url) }),
        /the disk is full: .*test-images\.npy\.gz' was not written/,
      );
      assert.deepEqual(readdirSync(cache('mnist')), ['official']);
    });
  });

  it('for a set whose owner demands agreement, the user is told where to get it', async () => {
    await assert.rejects(
      download('celeba'),
      /the owner of 'celeba' asks for your agreement .*; get the file at https:\/\/mmlab.*--from FILE/,
    );
    await assert.rejects(download('imagenet32'), /image-net\.org/);
  });

  it('files that the user supplies are recognised by their checksum, whatever their names, and stay', async () => {
    const mine = Object.entries(FILES).map(([name, content], i) => {
      const file = path.join(folder(), `download (${i})`);
      writeFileSync(file, content);
      assert.ok(name in FILES);
      return file;
    });
    const entry = entryWith('mnist', { test: FILES });
    await assert.rejects(
      download('mnist', { entry, from: mine.slice(0, 1) }),
      /do not make up a complete split; give all of its files: images\.gz \(md5 /,
    );
    await download('mnist', { entry, from: [...mine].reverse() });
    await check();
    assert.ok(mine.every((file) => existsSync(file)));
  });

  it('a file that is not the official one is refused with both checksums and not touched', async () => {
    const file = path.join(folder(), 'wrong.zip');
    writeFileSync(file, 'hello');
    const found = md5(Buffer.from('hello'));
    await assert.rejects(download('celeba', { from: [file] }), (error: Error) => {
      assert.match(
        error.message,
        new RegExp(
          `wrong\\.zip.*found md5 ${found}, expected img_align_celeba\\.zip \\(md5 00d2c5bc6d35e252742224ab0c1e8fcb\\)`,
        ),
      );
      return true;
    });
    assert.equal(readFileSync(file, 'utf8'), 'hello');
    await assert.rejects(
      download('celeba', { from: [path.join(folder(), 'nowhere.zip')] }),
      /is not a file/,
    );
  });

  it('a set without a published checksum is checked by its size', async () => {
    const archive = tarGz({ 'notMNIST_small/A/1.png': bytes(100) });
    const { url } = await serve({ 'n.tar.gz': archive });
    const entry = {
      ...entryWith('notmnist', {}),
      files: { test: [{ url: `${url}/n.tar.gz`, bytes: archive.length + 1 }] },
    };
    await assert.rejects(
      download('notmnist', { entry }),
      new RegExp(`expected ${archive.length + 1} bytes, found ${archive.length}`),
    );
  });

  it('an unknown name lists the known ones', async () => {
    await assert.rejects(
      download('cifar11'),
      /data set 'cifar11' is not known; choose one of svhn, celeba, /,
    );
  });
});
