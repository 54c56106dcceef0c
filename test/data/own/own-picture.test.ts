import assert from 'node:assert/strict';
import fc from 'fast-check';
import sharp from 'sharp';
import { areaAverage, type Raster } from '../../../src/data/formats/resize';
import { ownPicture, type Turn } from '../../../src/data/own/own-picture';
import { bytes } from '../help';

const atOnce: Turn = (work) => work();
const whole = (file: Buffer) => ownPicture(file, (size) => size, atOnce);
const side = (n: number) => () => ({ height: n, width: n });

/** A smooth picture with fine noise on it, as photographs are. */
function photograph(width: number, height: number, channels: 1 | 3) {
  const noise = bytes(4096, 7);
  const data = Buffer.alloc(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const [pixel, c] = [Math.floor(i / channels), i % channels];
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const wave = Math.sin((9 * x) / width + c) * Math.cos((7 * y) / height);
    data[i] = 128 + 80 * wave + (noise[(i * 31) % 4096] as number) / 6 - 21;
  }
  return sharp(data, { raw: { width, height, channels } });
}

describe('a picture', () => {
  it('of every format that is read comes as sharp decodes it', async () => {
    const made = photograph(24, 18, 3);
    const expected = await made.clone().raw().toBuffer();
    const exact = ['png', 'tiff', 'webp'] as const;
    for (const format of exact) {
      const { raster } = await whole(
        await made.clone().toFormat(format, { lossless: true, compression: 'lzw' }).toBuffer(),
      );
      const { data, ...shape } = raster;
      assert.deepEqual(shape, { width: 24, height: 18, channels: 3 });
      assert.deepEqual(Buffer.from(data), expected, format);
    }
    for (const format of ['jpeg', 'avif', 'gif'] as const) {
      const file = await made.clone().toFormat(format, { quality: 95 }).toBuffer();
      const { raster } = await whole(file);
      const alone = await sharp(file).removeAlpha().raw().toBuffer();
      assert.deepEqual(Buffer.from(raster.data), alone, format);
    }
  });

  it('is turned upright, whichever way the camera was held', async () => {
    const made = photograph(24, 18, 3);
    for (let orientation = 1; orientation <= 8; orientation++) {
      const file = await made.clone().withMetadata({ orientation }).png().toBuffer();
      const { data, info } = await sharp(file)
        .autoOrient()
        .raw()
        .toBuffer({ resolveWithObject: true });
      const { raster, size, turned } = await whole(file);
      assert.deepEqual([raster.width, raster.height], [info.width, info.height]);
      assert.deepEqual([size.width, size.height], [info.width, info.height]);
      assert.deepEqual(Buffer.from(raster.data), data, `orientation ${orientation}`);
      assert.equal(turned, orientation !== 1);
    }
  });

  it('that is large is reduced to eight times what is wanted, within a step of the average of it all', async () => {
    for (const [width, height, format] of [
      [700, 500, 'jpeg'],
      [330, 490, 'png'],
    ] as const) {
      const file = await photograph(width, height, 3).toFormat(format, { quality: 95 }).toBuffer();
      const { data } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
      const exact = areaAverage({ data, width, height, channels: 3 }, 16);
      const { raster, size } = await ownPicture(file, side(16), atOnce);
      assert.deepEqual([raster.width, raster.height], [128, 128]);
      assert.deepEqual(size, { width, height });
      areaAverage(raster, 16).forEach((value, i) => {
        assert.ok(Math.abs(value - (exact[i] as number)) <= 1, `${format} ${i}`);
      });
    }
  });

  it('that lies on its side is reduced on the right sides', async () => {
    const file = await photograph(1200, 300, 3).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const wanted = () => ({ height: 20, width: 10 });
    const { raster, size } = await ownPicture(file, wanted, atOnce);
    assert.deepEqual([size, raster.width, raster.height], [{ height: 1200, width: 300 }, 80, 160]);
  });

  it('of 12 megapixels and more waits for its turn, a smaller one does not', async () => {
    const asked: number[] = [];
    const file = (width: number, height: number) =>
      sharp({ create: { width, height, channels: 3, background: '#336699' } })
        .jpeg()
        .toBuffer();
    for (const [width, height] of [
      [4000, 3000],
      [10_000, 10_000],
    ] as const) {
      const turn: Turn = (work) => {
        asked.push(width);
        return work();
      };
      const { raster } = await ownPicture(await file(width, height), side(2), turn);
      assert.deepEqual([raster.width, raster.height], [16, 16]);
      raster.data.forEach((value, i) => {
        assert.ok(Math.abs(value - ([0x33, 0x66, 0x99][i % 3] as number)) <= 2);
      });
    }
    assert.deepEqual(asked, [10_000]);
  });

  it('is grey if its file is grey, and has 8 bits even if the file has 16', async () => {
    const { raster } = await whole(
      await photograph(20, 10, 1).toColourspace('b-w').png().toBuffer(),
    );
    assert.equal(raster.channels, 1);
    const wide = Uint16Array.from({ length: 60 }, (_, i) => 257 * i);
    const raw = { width: 5, height: 4, channels: 3 } as const;
    const file = await sharp(wide, { raw }).toColourspace('rgb16').png().toBuffer();
    const read = await whole(file);
    assert.deepEqual(
      [...read.raster.data],
      Array.from({ length: 60 }, (_, i) => i),
    );
    assert.equal(read.values, '16 bits');
  });

  it('of several frames gives the first and says so', async () => {
    const frames = [10, 200].map((value) => Buffer.alloc(8 * 8 * 3, value));
    const file = await sharp(Buffer.concat(frames), {
      raw: { width: 8, height: 16, channels: 3, pageHeight: 8 },
    })
      .gif()
      .toBuffer();
    const read = await whole(file);
    assert.deepEqual([read.frames, read.raster.height], [2, 8]);
    assert.ok(read.raster.data.every((value) => Math.abs(value - 10) < 3));
  });

  it('that is opaque loses its opacity, one that is not is refused, however large', async () => {
    const made = (width: number, hole: number) => {
      const data = Buffer.alloc(width * width * 4, 255);
      data[hole] = 0;
      return sharp(data, { raw: { width, height: width, channels: 4 } })
        .png()
        .toBuffer();
    };
    for (const width of [10, 400]) {
      const { raster } = await ownPicture(await made(width, 0), side(2), atOnce);
      assert.equal(raster.channels, 3);
      await assert.rejects(
        ownPicture(await made(width, 4 * 57 + 3), side(2), atOnce),
        /^Error: is transparent in places; put it on a background/,
      );
    }
  });

  it('is refused if it claims too many pixels, is not a picture, or is a vector graphic', async () => {
    const png = await photograph(8, 8, 3).png().toBuffer();
    png.writeUInt32BE(200_000, 16); // its width
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    for (const file of [png, svg, Buffer.from('hello'), Buffer.alloc(0)])
      await assert.rejects(whole(file), {
        name: 'Error',
        message: /^(cannot be read|is empty|has )/,
      });
  });

  it('damaged anywhere is refused or read, never anything else', async () => {
    const made = photograph(40, 30, 3);
    const formats = ['jpeg', 'png', 'webp', 'tiff', 'gif', 'avif'] as const;
    const files = await Promise.all(
      formats.map((format) => made.clone().toFormat(format).toBuffer()),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), {
          maxLength: 8,
        }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        async (file, flips, share) => {
          const bad = Buffer.from(file.subarray(0, Math.ceil(share * file.length)));
          for (const [where, value] of flips)
            bad[Math.min(bad.length - 1, Math.floor(where * bad.length))] = value;
          const read: Raster | string = await ownPicture(bad, side(4), atOnce).then(
            ({ raster }) => raster,
            (error: Error) => `${error.constructor.name} ${error.message}`,
          );
          if (typeof read === 'string') assert.match(read, /^Unusable [a-z][^\n]*; [^\n]+$/);
          else assert.equal(read.data.length, read.width * read.height * read.channels);
        },
      ),
      { numRuns: 300, seed: 1 },
    );
  });
});
