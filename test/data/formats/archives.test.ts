import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { readTar } from '../../../src/data/formats/tar-archive';
import { Zip } from '../../../src/data/formats/zip';
import { bytes, obtain, ownFolder, servers, tarGz, zip } from '../help';

describe('archives', () => {
  const folder = ownFolder();
  const serve = servers();

  it('a zip gives its entries by name, without the metadata files of macOS', async () => {
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

  it('a zip with an entry outside its folder is refused, and nothing is written', async () => {
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

  it('an entry with a stated size above the limit is not inflated', async () => {
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

  it('an entry with a flipped bit is refused, even if it inflates', async () => {
    const content = bytes(500, 4);
    const whole = zip({ 'a.bin': content });
    let refused = 0;
    for (let at = 30; at < 30 + 5 + 500; at += 7) {
      const bad = Buffer.from(whole);
      bad[at] = (bad[at] as number) ^ 4;
      const read = Zip.open(bad).then((archive) => archive.read('a.bin', 1000));
      const found = await read.catch(() => undefined);
      if (found === undefined) refused++;
      else assert.deepEqual(found, content, `byte ${at}`);
    }
    assert.ok(refused > 60, `${refused} were refused`);
    const lie = Buffer.from(whole);
    const directory = lie.indexOf('PK\x01\x02', 0, 'latin1');
    lie.writeUInt32LE(12345, directory + 16);
    await assert.rejects(
      (await Zip.open(lie)).read('a.bin', 1000),
      /entry 'a\.bin' is damaged: its checksum is not the one in the directory/,
    );
  });

  it('two entries with the same name are refused, in a zip and in a tar', async () => {
    const archive = zip({ 'a/1.txt': bytes(9, 1), 'a/2.txt': bytes(9, 2) });
    const twice = Buffer.from(
      archive.toString('latin1').replaceAll('a/2.txt', 'a/1.txt'),
      'latin1',
    );
    await assert.rejects(Zip.open(twice), /the archive has two entries 'a\/1\.txt'/);
    const file = path.join(folder(), 'a.tar.gz');
    const both = [tarGz({ 'x/1.bin': bytes(60, 1) }), tarGz({ 'x/1.bin': bytes(60, 2) })].map(
      (one) => gunzipSync(one),
    );
    // Without the two empty blocks that end the first.
    writeFileSync(
      file,
      gzipSync(Buffer.concat([both[0]?.subarray(0, -1024), both[1]] as Buffer[])),
    );
    await assert.rejects(readTar(file, /\.bin$/, 1000, 2000), /two entries 'x\/1\.bin'/);
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
