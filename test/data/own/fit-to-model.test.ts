import assert from 'node:assert/strict';
import sharp from 'sharp';
import { areaAverage, type Raster } from '../../../src/data/formats/resize';
import { type Fit, fitted, plan, type Target } from '../../../src/data/own/fit-to-model';
import { geometry, treatmentText } from '../../../src/data/own/treatment';
import { bytes } from '../help';

const image = (width: number, height: number, channels = 3) => ({
  data: bytes(width * height * channels, width + 100 * height),
  width,
  height,
  channels,
});
const target = (width: number, height: number, fit: Fit, channels = 3): Target => ({
  width,
  height,
  channels,
  fit,
});
const through = (one: Raster, to: Target) => {
  const how = plan(one, to);
  return {
    pixels: fitted(one, one, how, to),
    text: treatmentText({
      ...geometry(one, how, to),
      turned: false,
      frames: 1,
      greyToColour: false,
    }),
  };
};

describe('a picture fitted to a model', () => {
  it('of the model’s own size is taken as it is, whatever the fit', () => {
    for (const how of ['stretch', 'crop', 'pad'] as const) {
      const one = image(20, 12);
      const { pixels, text } = through(one, target(20, 12, how));
      assert.deepEqual(pixels, new Uint8Array(one.data));
      assert.equal(text, '');
    }
  });

  it('is stretched whole', () => {
    const one = image(60, 36);
    const { pixels, text } = through(one, target(12, 12, 'stretch'));
    assert.deepEqual(pixels, areaAverage(one, 12));
    assert.equal(text, 'resized from 60x36');
  });

  it('is cropped to its middle as sharp crops it', async () => {
    for (const [width, height] of [
      [60, 36],
      [36, 61],
    ] as const) {
      const one = image(width, height);
      const middle = await sharp(one.data, { raw: { width, height, channels: 3 } })
        .extract({
          left: Math.floor((width - 36) / 2),
          top: Math.floor((height - 36) / 2),
          width: 36,
          height: 36,
        })
        .raw()
        .toBuffer();
      const { pixels, text } = through(one, target(12, 12, 'crop'));
      assert.deepEqual(
        pixels,
        areaAverage({ data: middle, width: 36, height: 36, channels: 3 }, 12),
      );
      assert.equal(text, `cropped from ${width}x${height}; resized`);
    }
  });

  it('is padded with black above and below, or left and right', () => {
    const one = { ...image(24, 12), data: new Uint8Array(24 * 12 * 3).fill(90) };
    const { pixels, text } = through(one, target(12, 12, 'pad'));
    assert.equal(text, 'resized from 24x12; padded');
    pixels.forEach((value, i) => {
      const row = Math.floor(i / 36);
      assert.equal(value, row >= 3 && row < 9 ? 90 : 0, `row ${row}`);
    });
    const tall = { ...one, width: 3, height: 96 };
    const columns = [...through(tall, target(12, 12, 'pad')).pixels].slice(0, 36);
    assert.equal(columns.filter((value) => value === 90).length, 3, 'one column is left');
  });

  it('is smoothed along a side that shrinks even if the other grows', () => {
    const stripes = { width: 400, height: 4, channels: 1 };
    const data = Uint8Array.from({ length: 1600 }, (_, i) => 200 * (i % 2));
    const { pixels } = through({ ...stripes, data: Buffer.from(data) }, target(8, 8, 'stretch', 1));
    assert.deepEqual([...pixels], Array(64).fill(100));
  });

  it('is framed by two black pixels for a grey model of 32x32 only', () => {
    const one = image(28, 28, 1);
    const { pixels, text } = through(one, target(32, 32, 'stretch', 1));
    assert.equal(text, 'padded');
    for (let i = 0; i < 1024; i++) {
      const [y, x] = [Math.floor(i / 32) - 2, (i % 32) - 2];
      const inside = x >= 0 && x < 28 && y >= 0 && y < 28;
      assert.equal(pixels[i], inside ? one.data[28 * y + x] : 0);
    }
    assert.equal(through(one, target(28, 28, 'stretch', 1)).text, '');
    assert.equal(through(one, target(14, 14, 'stretch', 1)).text, 'resized from 28x28');
  });

  it('with other channels than the model takes becomes grey or coloured only if nothing is lost', () => {
    const grey = { ...image(4, 4, 1), data: bytes(16) };
    const shown = through(grey, target(4, 4, 'stretch')).pixels;
    assert.deepEqual(
      [...shown],
      [...grey.data].flatMap((value) => [value, value, value]),
    );
    const back = through(
      { ...grey, data: Buffer.from(shown), channels: 3 },
      target(4, 4, 'pad', 1),
    );
    assert.deepEqual([...back.pixels], [...grey.data]);
    assert.throws(() => through(image(4, 4), target(4, 4, 'pad', 1)), /is in colour and the model/);
    assert.throws(
      () => through(image(4, 4), target(4, 4, 'pad', 5)),
      /has 3 channels and the model takes 5/,
    );
  });

  it('has a text that says what was done to it', () => {
    const all = { turned: true, cropped: false, resized: true, padded: true, greyToColour: true };
    const from = { width: 40, height: 30 };
    assert.equal(
      treatmentText({ ...all, from, frames: 3, values: '16 bits' }),
      'first of 3 frames; turned; from 16 bits; grey to colour; resized from 40x30; padded',
    );
  });
});
