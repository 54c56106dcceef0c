import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { npyHeader } from '../../src/data/npy';
import { ownImages } from '../../src/data/own-images';

describe('images of one’s own', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-own-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const at = (name: string) => path.join(folder, name);
  async function put(
    name: string,
    side: number,
    channels: 1 | 3 | 4,
    of: (x: number, y: number, c: number) => number,
  ): Promise<void> {
    const data = Buffer.alloc(side * side * channels);
    for (let k = 0; k < data.length; k++) {
      const pixel = Math.floor(k / channels);
      data[k] = of(pixel % side, Math.floor(pixel / side), k % channels);
    }
    const image = sharp(data, { raw: { width: side, height: side, channels } });
    writeFileSync(
      at(name),
      await (name.endsWith('.png') ? image.png() : image.jpeg({ quality: 100 })).toBuffer(),
    );
  }

  it('come in colour as they are at 32x32, averaged by area where larger, sorted by name', async () => {
    await put('b.png', 32, 3, (x, y, c) => x + 2 * y + 50 * c);
    await put('a.png', 64, 3, (x, y, c) => (x % 2) * 20 + (y % 2) * 40 + 10 * c);
    const { images, count, shape, sources, resized } = await ownImages([folder], 3);
    assert.deepEqual([count, shape, resized], [2, [32, 32, 3], 1]);
    assert.deepEqual(sources, [at('a.png'), at('b.png')]);
    assert.ok(images.subarray(0, 3072).every((value, k) => value === 30 + 10 * (k % 3)));
    assert.equal(images[3072 + (5 * 32 + 7) * 3 + 2], 7 + 10 + 100);
  });

  it('come in grey framed as the grey sets are, unless they are 32x32 already', async () => {
    await put('digit.png', 28, 1, (x) => 100 + x);
    await put('whole.png', 32, 1, () => 200);
    await put('big.png', 56, 1, (x, y) => ((x + y) % 2) * 100);
    const { images, resized } = await ownImages(
      [at('digit.png'), at('whole.png'), at('big.png')],
      1,
    );
    assert.equal(resized, 1);
    assert.deepEqual(
      [images[0], images[2 * 32 + 2], images[2 * 32 + 29], images[31 * 32 + 31]],
      [0, 100, 127, 0],
    );
    assert.ok(images.subarray(1024, 2048).every((value) => value === 200));
    assert.ok(
      images
        .subarray(2048)
        .every((value, k) => value === (k % 32 >= 2 && k % 32 < 30 && k >= 64 && k < 960 ? 50 : 0)),
    );
  });

  it('come from JPEG, from grey pictures into a colour model, and from npy arrays', async () => {
    await put('flat.jpg', 32, 3, () => 120);
    await put('grey.png', 32, 1, (x) => 3 * x);
    writeFileSync(at('two.npy'), Buffer.concat([npyHeader([2, 32, 32, 3]), Buffer.alloc(6144, 9)]));
    const { images, sources, count } = await ownImages([folder], 3);
    assert.equal(count, 4);
    assert.ok(images.subarray(0, 3072).every((value) => Math.abs(value - 120) <= 1));
    assert.deepEqual([...images.subarray(3072 + 15, 3072 + 18)], [15, 15, 15]);
    assert.deepEqual(sources.slice(2), [`${at('two.npy')}[0]`, `${at('two.npy')}[1]`]);
  });

  it('are refused by name where they cannot be what they should', async () => {
    await put('colour.png', 32, 3, (_x, _y, c) => 10 * c);
    await put('ghost.png', 32, 4, (_x, _y, c) => (c === 3 ? 100 : 7));
    writeFileSync(at('broken.png'), 'not a picture');
    writeFileSync(at('notes.txt'), 'hello');
    writeFileSync(at('grey.npy'), Buffer.concat([npyHeader([1, 32, 32, 1]), Buffer.alloc(1024)]));
    mkdirSync(at('empty'));
    const refuses = (name: string, channels: 1 | 3, message: RegExp) =>
      assert.rejects(ownImages([at(name)], channels), (error: Error) => {
        assert.equal(error.name, 'FisherlabError');
        assert.match(error.message, message);
        assert.ok(!error.message.includes('\n') && error.message.includes(at(name)), error.message);
        return true;
      });
    await refuses('colour.png', 1, /is in colour and the model takes grey images/);
    await refuses('ghost.png', 3, /is transparent in places/);
    await refuses('broken.png', 3, /cannot be read as an image/);
    await refuses('notes.txt', 3, /is no image/);
    await refuses('grey.npy', 3, /has shape \[1, 32, 32, 1\] and the model takes \[N, H, W, 3\]/);
    await refuses('empty', 3, /has no images/);
    await refuses('nowhere', 3, /does not exist/);
  });
});
