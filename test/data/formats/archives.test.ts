import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readTar } from '../../../src/data/formats/tar-archive';
import { Zip } from '../../../src/data/formats/zip';
import { bytes, obtain, ownFolder, servers, tarGz, zip } from '../help';

describe('archives', () => {
  const folder = ownFolder();
  const serve = servers();

  it('a zip gives its entries by name, and the macOS shadows are no entries', async () => {
    const archive = await Zip.open(
      zip({
        'b/2.txt': bytes(5000, 2),
        'b/._2.txt': bytes(3),
        '__MACOSX/b/2.txt': bytes(3),
        'a/1.txt': bytes(70, 1),
      }),
    );
    assert.deepEqual([...archive.entries.keys()], ['a/1.txt', 'b/2.txt']);
    assert.deepEqual(await archive.read('b/2.txt', 5000), bytes(5000, 2));
    archive.close();
  });

  it('a zip whose entry climbs out of its folder is refused, and nothing is written', async () => {
    const evil = zip({
      '../../evil.txt': bytes(10),
      'gzip/emnist-letters-test-images-idx3-ubyte.gz': bytes(10),
    });
    await assert.rejects(
      obtain('emnist_letters', { test: { 'gzip.zip': evil } }, serve, folder()),
      /invalid relative path/,
    );
    assert.ok(
      !existsSync(path.join(folder(), 'evil.txt')) &&
        !existsSync(path.join(folder(), 'fisherlab', 'evil.txt')),
    );
  });

  it('an entry that says it is larger than allowed is not inflated', async () => {
    const archive = await Zip.open(zip({ bomb: Buffer.alloc(10_000_000) }));
    await assert.rejects(
      archive.read('bomb', 1_000_000),
      /10000000 bytes, more than the 1000000 allowed/,
    );
  });

  it('an entry that inflates to more than it says is cut off', async () => {
    const archive = await Zip.open(zip({ bomb: Buffer.alloc(10_000_000) }, 1000));
    await assert.rejects(archive.read('bomb', 1_000_000), /too many bytes in the stream/);
  });

  it('a tar gives the files that match and refuses more than is allowed, of one or of all', async () => {
    const file = path.join(folder(), 'a.tar.gz');
    writeFileSync(
      file,
      tarGz({
        'x/1.bin': bytes(600, 1),
        '../../evil.bin': bytes(700, 2),
        'x/3.txt': bytes(9000, 3),
      }),
    );
    assert.deepEqual((await readTar(file, /\.bin$/, 1000, 2000)).get('x/1.bin'), bytes(600, 1));
    await assert.rejects(readTar(file, /\.txt$/, 1000, 99999), /larger than/);
    await assert.rejects(readTar(file, /\.bin$/, 1000, 1200), /larger than/);
    await assert.rejects(readTar(file, /\.png$/, 1000, 1200), /no entry like/);
    assert.deepEqual(readdirSync(folder()), ['a.tar.gz']);
  });

  it('a tar that ends in the middle is refused', async () => {
    const file = path.join(folder(), 'a.tar.gz');
    writeFileSync(file, tarGz({ 'x/1.bin': bytes(60_000, 1) }).subarray(0, 30_000));
    await assert.rejects(readTar(file, /\.bin$/, 100_000, 100_000));
  });
});
