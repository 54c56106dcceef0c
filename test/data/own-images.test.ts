import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { npyHeader } from '../../src/data/npy';
import { ownImages } from '../../src/data/own-images';
import { ownFolder } from './help';

const COLOUR = { height: 32, width: 32, channels: 3 };
const GREY = { height: 32, width: 32, channels: 1 };

describe('your own images', () => {
  const folder = ownFolder();
  const at = (...names: string[]) => path.join(folder(), ...names);
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
    const made = sharp(data, { raw: { width: side, height: side, channels } });
    const image = channels === 1 ? made.toColourspace('b-w') : made;
    mkdirSync(path.dirname(at(name)), { recursive: true });
    writeFileSync(
      at(name),
      await (/png$/i.test(name) ? image.png() : image.jpeg({ quality: 100 })).toBuffer(),
    );
  }
  const refuses = (paths: string[], options: Parameters<typeof ownImages>[1], message: RegExp) =>
    assert.rejects(ownImages(paths, options), (error: Error) => {
      assert.equal(error.name, 'FisherlabError');
      assert.match(error.message, message);
      assert.ok(!error.message.includes('\n'), error.message);
      return true;
    });

  it('come in colour as they are at 32x32, averaged by area where larger, sorted by name', async () => {
    await put('b.png', 32, 3, (x, y, c) => x + 2 * y + 50 * c);
    await put('a.png', 64, 3, (x, y, c) => (x % 2) * 20 + (y % 2) * 40 + 10 * c);
    const { images: own, treatments } = await ownImages([folder()], COLOUR);
    const { images, count, shape, names } = own;
    assert.deepEqual([count, shape], [2, [32, 32, 3]]);
    assert.deepEqual(
      treatments.map(({ resized }) => resized),
      [true, false],
    );
    assert.deepEqual(names, [at('a.png'), at('b.png')]);
    assert.ok(images.subarray(0, 3072).every((value, k) => value === 30 + 10 * (k % 3)));
    assert.equal(images[3072 + (5 * 32 + 7) * 3 + 2], 7 + 10 + 100);
  });

  it('come in grey with the border of the grey sets, unless they are 32x32 already', async () => {
    await put('digit.png', 28, 1, (x) => 100 + x);
    await put('whole.png', 32, 1, () => 200);
    await put('big.png', 56, 1, (x, y) => ((x + y) % 2) * 100);
    const { images: own, treatments } = await ownImages(
      [at('digit.png'), at('whole.png'), at('big.png')],
      GREY,
    );
    const { images } = own;
    assert.deepEqual(
      treatments.map(({ resized, padded }) => [resized, padded]),
      [
        [false, true],
        [false, false],
        [true, true],
      ],
    );
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
    const { images: own, treatments } = await ownImages([folder()], COLOUR);
    const { images, names, count } = own;
    assert.equal(count, 4);
    assert.ok(images.subarray(0, 3072).every((value) => Math.abs(value - 120) <= 1));
    assert.deepEqual([...images.subarray(3072 + 15, 3072 + 18)], [15, 15, 15]);
    assert.deepEqual(
      treatments.map(({ greyToColour }) => greyToColour),
      [false, true, false, false],
    );
    assert.deepEqual(names.slice(2), [`${at('two.npy')}[0]`, `${at('two.npy')}[1]`]);
  });

  it('come from every format and any case of its ending, grey arrays by the rule of grey pictures', async () => {
    const colour = sharp({ create: { width: 40, height: 40, channels: 3, background: '#969696' } });
    const formats = {
      'a.PNG': 'png',
      'b.webp': 'webp',
      'd.TIFF': 'tiff',
      'e.gif': 'gif',
      'f.jfif': 'jpeg',
      'g.avif': 'avif',
    } as const;
    for (const [name, format] of Object.entries(formats))
      writeFileSync(at(name), await colour.clone().toFormat(format).toBuffer());
    const bmp = Buffer.alloc(54 + 2 * 8, 150);
    bmp.write('BM');
    for (const [value, where] of [
      [54, 10],
      [40, 14],
      [2, 18],
      [2, 22],
      [0, 30],
      [0, 46],
    ] as const)
      bmp.writeUInt32LE(value, where);
    bmp.writeUInt16LE(24, 28);
    writeFileSync(at('c.BMP'), bmp);
    writeFileSync(at('h.NPY'), Buffer.concat([npyHeader([5, 32, 32]), Buffer.alloc(5120, 150)]));
    const { images, treatments, leftOut } = await ownImages([folder()], COLOUR);
    assert.deepEqual([images.count, leftOut], [12, []]);
    assert.ok(images.images.every((value) => Math.abs(value - 150) <= 2));
    assert.deepEqual(treatments.map(({ greyToColour }) => greyToColour).indexOf(true), 7);
  });

  it('get the model’s size, whatever it is', async () => {
    await put('one.png', 40, 3, () => 77);
    const { images } = await ownImages([folder()], { height: 64, width: 48, channels: 3 });
    assert.deepEqual(images.shape, [64, 48, 3]);
    assert.deepEqual(images.images, new Uint8Array(64 * 48 * 3).fill(77));
  });

  it('are looked for in folders within folders, the first of which names the class', async () => {
    await put('z.png', 32, 3, () => 1);
    await put('cat/1.png', 32, 3, () => 2);
    await put('cat/indoor/2.PNG', 32, 3, () => 3);
    await put('dog/1.JPG', 32, 3, () => 4);
    const { images } = await ownImages([folder()], COLOUR);
    const names = ['cat/1.png', 'cat/indoor/2.PNG', 'dog/1.JPG', 'z.png'];
    assert.deepEqual(
      images.names,
      names.map((name) => at(name)),
    );
    assert.deepEqual(images.classes, ['cat', 'cat', 'dog', '']);
    assert.deepEqual(
      names.map((_, k) => images.images[k * 3072]),
      [2, 3, 4, 1],
    );
  });

  it('lie beside hidden files, which are counted, and beside others, which are named', async () => {
    await put('cat.jpg', 32, 3, () => 1);
    writeFileSync(at('._cat.jpg'), 'not a picture');
    writeFileSync(at('.DS_Store'), 'nor this');
    writeFileSync(at('labels.csv'), 'image,label');
    const { images, hidden, others, leftOut } = await ownImages([folder()], COLOUR);
    assert.deepEqual(images.names, [at('cat.jpg')]);
    assert.deepEqual([hidden, others, leftOut], [2, [at('labels.csv')], []]);
  });

  it('that cannot be used are named with the reason, and the others are read', async () => {
    await put('a.png', 32, 3, () => 5);
    await put('ghost.png', 32, 4, (_x, _y, c) => (c === 3 ? 100 : 7));
    await put('z.png', 32, 3, () => 6);
    writeFileSync(at('broken.png'), '\x89PNG\r\n\x1a\n and no more');
    writeFileSync(at('empty.jpg'), '');
    writeFileSync(at('text.png'), 'not a picture');
    symlinkSync(at('nowhere.png'), at('link.png'));
    symlinkSync(folder(), at('round'));
    const seen: [number, number][] = [];
    const { images, leftOut } = await ownImages([folder()], {
      ...COLOUR,
      onProgress: (done, total) => seen.push([done, total]),
    });
    assert.deepEqual(images.names, [at('a.png'), at('z.png')]);
    assert.deepEqual([images.images[0], images.images[3072]], [5, 6]);
    const reasons = [
      ['broken.png', /^cannot be read as an image: /],
      ['empty.jpg', /^is empty$/],
      ['ghost.png', /^is transparent in places$/],
      ['link.png', /^is missing$/],
      ['round', /^is a link to a folder around itself$/],
      ['text.png', /^cannot be read as an image: its content is of no known format$/],
    ] as const;
    assert.deepEqual(
      leftOut.map(({ name }) => name),
      reasons.map(([name]) => at(name)),
    );
    reasons.forEach(([, reason], k) => {
      assert.match(leftOut[k]?.reason ?? '', reason);
    });
    assert.deepEqual(
      seen,
      Array.from({ length: 8 }, (_, k) => [k + 1, 8]),
    );
    await refuses([folder()], { ...COLOUR, strict: true }, /broken\.png' cannot be read/);
  });

  it('that are pipes or devices instead of files are not opened', async function () {
    if (process.platform === 'win32') this.skip();
    execFileSync('mkfifo', [at('pipe.png')]);
    symlinkSync('/dev/zero', at('zero.npy'));
    await put('a.png', 32, 3, () => 5);
    const { images, leftOut } = await ownImages([folder()], COLOUR);
    assert.equal(images.count, 1);
    assert.deepEqual(
      leftOut.map(({ reason }) => reason),
      Array(2).fill('is a pipe, socket or device, not a regular file'),
    );
  });

  it('are refused where none can be used or a path means nothing', async () => {
    await put('colour.png', 32, 3, (_x, _y, c) => 10 * c);
    writeFileSync(at('notes.txt'), 'hello');
    writeFileSync(
      at('colour.npy'),
      Buffer.concat([npyHeader([32, 32, 3]), Buffer.alloc(3071), Buffer.from([1])]),
    );
    mkdirSync(at('empty'));
    const inColour = /colour\.\w+' is in colour and the model takes grey images/;
    await refuses([at('colour.png')], GREY, inColour);
    await refuses([at('colour.npy')], GREY, inColour);
    await refuses([at('colour.png'), at('colour.npy')], GREY, /and none of 2 can be used/);
    await refuses([at('notes.txt')], COLOUR, /notes\.txt' is not an image/);
    await refuses([at('empty')], COLOUR, /empty' has no images/);
    await refuses([at('nowhere')], COLOUR, /nowhere' does not exist/);
    await refuses([at('colour.png')], { ...COLOUR, width: 0 }, /width of images cannot be 0/);
    await refuses(
      [at('colour.png')],
      { ...COLOUR, fit: 'cover' as 'crop' },
      /fit 'cover' is not known; choose one of stretch, crop, pad/,
    );
  });

  it('are no longer read after an abort', async () => {
    for (let k = 0; k < 40; k++) await put(`${k}.png`, 32, 3, () => k);
    const controller = new AbortController();
    let read = 0;
    const onProgress = () => {
      if (++read === 3) controller.abort(new Error('enough'));
    };
    const { signal } = controller;
    await assert.rejects(
      ownImages([folder()], { ...COLOUR, onProgress, signal }),
      /^Error: enough/,
    );
    assert.ok(read < 40, `${read} were read`);
  });

  it('are the same whatever other files there are', async () => {
    const all = ['a', 'b', 'c', 'd', 'e'];
    for (const [k, name] of all.entries())
      await put(
        `${name}.${k % 2 ? 'jpg' : 'png'}`,
        20 + 11 * k,
        3,
        (x, y, c) => (x * y + c * k) % 256,
      );
    const files = all.map((name, k) => at(`${name}.${k % 2 ? 'jpg' : 'png'}`));
    const whole = (await ownImages(files, COLOUR)).images;
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 1 }), async (some) => {
        const part = (
          await ownImages(
            some.map((k) => files[k] as string),
            COLOUR,
          )
        ).images;
        some.forEach((k, at) => {
          assert.deepEqual(
            part.images.subarray(at * 3072, (at + 1) * 3072),
            whole.images.subarray(k * 3072, (k + 1) * 3072),
          );
        });
      }),
      { numRuns: 20, seed: 1 },
    );
  });
});
