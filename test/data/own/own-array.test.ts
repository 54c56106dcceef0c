import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { LAYOUTS, type Layout } from '../../../src/data/own/array-layout';
import { type ArrayImage, type ArrayOptions, ownArray } from '../../../src/data/own/own-array';
import { bytes, ownFolder } from '../help';

/** As `numpy.save` writes it: any type, any order. */
function npy(shape: readonly number[], type: string, fortran: boolean, data: Uint8Array): Buffer {
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${type}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${dimensions}), }`;
  const header = `${text.padEnd(117)}\n`;
  return Buffer.concat([Buffer.from(`\x93NUMPY\x01\x00v\x00${header}`, 'latin1'), data]);
}

describe('your own array', () => {
  const folder = ownFolder();
  const file = (content: Buffer, name = 'a.npy') => {
    const target = path.join(folder(), name);
    writeFileSync(target, content);
    return target;
  };
  async function read(from: string, options: Partial<ArrayOptions> = {}): Promise<ArrayImage[]> {
    const images: ArrayImage[] = [];
    for await (const image of ownArray(from, { channels: 3, ...options })) images.push(image);
    return images;
  }
  const pixels = ({ raster }: ArrayImage) =>
    'data' in raster ? [...raster.data] : [raster.reason];

  it('of every layout, in C and in Fortran order, packed or not, gives its images', async () => {
    const size = { N: 3, H: 5, W: 4, C: 3 };
    for (const layout of LAYOUTS) {
      const axes = [...layout] as (keyof typeof size)[];
      const shape = axes.map((axis) => size[axis]);
      const images = layout.startsWith('N') ? 3 : 1;
      const channels = layout.includes('C') ? 3 : 1;
      // What the pixel (y, x, c) of image n is, whatever the order it is stored in.
      const value = (n: number, y: number, x: number, c: number) => 60 * n + 12 * y + 3 * x + c;
      for (const fortran of [false, true]) {
        const data = new Uint8Array(shape.reduce((a, b) => a * b, 1));
        for (let i = 0; i < data.length; i++) {
          let rest = i;
          const at: Record<string, number> = { N: 0, H: 0, W: 0, C: 0 };
          for (const axis of fortran ? axes : [...axes].reverse()) {
            at[axis] = rest % size[axis];
            rest = Math.floor(rest / size[axis]);
          }
          data[i] = value(at.N as number, at.H as number, at.W as number, at.C as number);
        }
        const content = npy(shape, '|u1', fortran, data);
        for (const from of [file(content, 'a.NPY'), file(gzipSync(content), 'a.npy.gz')]) {
          const found = await read(from, { layout });
          const expected = Array.from({ length: images }, (_, n) =>
            Array.from({ length: 20 * channels }, (_, i) => {
              const pixel = Math.floor(i / channels);
              return value(n, Math.floor(pixel / 4), pixel % 4, i % channels);
            }),
          );
          assert.deepEqual(found.map(pixels), expected, `${layout} ${fortran}`);
          assert.deepEqual(
            found.map(({ index }) => index),
            images === 1 ? [undefined] : [0, 1, 2],
          );
        }
      }
    }
  });

  it('is understood by its shape if only one reading gives images', async () => {
    const cases: [number[], Layout | 'asked' | 'no images'][] = [
      [[20, 30], 'HW'],
      [[28, 28, 1], 'HWC'],
      [[32, 32, 3], 'HWC'],
      [[5, 32, 32], 'NHW'],
      [[1, 28, 28], 'CHW'], // one grey image, as NHW too
      [[3, 32, 32], 'asked'],
      [[5, 32, 32, 3], 'NHWC'],
      [[5, 32, 32, 1], 'NHWC'],
      [[5, 3, 32, 32], 'NCHW'],
      [[3, 32, 32, 3], 'NHWC'],
      [[5, 1, 28, 28], 'NCHW'],
      [[5, 32, 32, 2], 'no images'],
      [[5, 3, 32, 3], 'no images'],
      [[1000], 'no images'],
      [[2, 5, 32, 32, 3], 'no images'],
    ];
    for (const [shape, expected] of cases) {
      const from = file(npy(shape, '|u1', false, bytes(shape.reduce((a, b) => a * b, 1))));
      const told = async (layout?: Layout) =>
        (await read(from, layout === undefined ? {} : { layout })).map(pixels);
      if (expected === 'asked')
        await assert.rejects(told(), {
          name: 'FisherlabError',
          message:
            /has shape \[3, 32, 32\], which may be CHW or NHW; give the layout: CHW \(1 of 32x32 in 3 channels\), NHW \(3 of 32x32 in grey\)$/,
        });
      else if (expected === 'no images')
        await assert.rejects(
          told(),
          /^Error: has shape \[.*\], in which no images of 1, 3 or 3 ch/,
        );
      else assert.deepEqual(await told(), await told(expected), `[${shape}]`);
    }
    const from = file(npy([5, 32, 32], '|u1', false, bytes(5 * 1024)));
    await assert.rejects(read(from, { layout: 'NHWC' }), /^Error: has shape .*, which is not NHWC/);
  });

  it('with numbers other than bytes is read only if their range is given', async () => {
    const unit = [0, 0.25, 0.5, 1];
    const floats = (type: 'f4' | 'f8', values: number[], swap = false) => {
      const made = type === 'f4' ? Float32Array.from(values) : Float64Array.from(values);
      const buffer = Buffer.from(made.buffer);
      if (swap) type === 'f4' ? buffer.swap32() : buffer.swap64();
      return buffer;
    };
    const sixteen = Array.from({ length: 16 }, (_, i) => unit[i % 4] as number);
    const grey = sixteen.map((value) => Math.round(255 * value));
    for (const [type, data] of [
      ['<f4', floats('f4', sixteen)],
      ['>f4', floats('f4', sixteen, true)],
      ['<f8', floats('f8', sixteen)],
      ['>f8', floats('f8', sixteen, true)],
    ] as const) {
      const from = file(npy([4, 4], type, false, data));
      await assert.rejects(read(from), {
        name: 'FisherlabError',
        message:
          /a\.npy' has numbers of type float\d\d, and the range from black to white is unknown; give the values: 0\.\.1 or 0\.\.255/,
      });
      const [image] = await read(from, { values: '0..1' });
      assert.deepEqual(image && pixels(image), grey, type);
      assert.match(image?.values ?? '', /^float\d\d in 0\.\.1$/);
      const [dark] = await read(from, { values: '0..255' });
      assert.deepEqual(
        dark && pixels(dark),
        sixteen.map((value) => Math.round(value)),
      );
    }
    const whole = BigInt64Array.from({ length: 16 }, (_, i) => BigInt(16 * i));
    const from = file(npy([4, 4], '<i8', false, Buffer.from(whole.buffer)));
    await assert.rejects(read(from), /has numbers of type int64/);
    const [image] = await read(from, { values: '0..255' });
    assert.deepEqual(
      image && pixels(image),
      Array.from({ length: 16 }, (_, i) => 16 * i),
    );
    await assert.rejects(
      read(file(npy([4, 4], '<c8', false, Buffer.alloc(128))), { values: '0..1' }),
      /^Error: has numbers of type <c8; save it as uint8 or float32/,
    );
  });

  it('with a number outside its range, or none, loses that image and keeps the others', async () => {
    for (const [bad, values, said] of [
      [1.5, '0..1', '1.5'],
      [Number.NaN, '0..255', 'NaN'],
      [-3, '0..255', '-3'],
    ] as const) {
      const data = new Float32Array(5 * 16);
      data[20] = bad;
      const found = await read(file(npy([5, 4, 4], '<f4', false, Buffer.from(data.buffer))), {
        values,
      });
      assert.deepEqual(
        found.map((image) => pixels(image)[0]),
        [0, `has the value ${said}, which is not in ${values}`, 0, 0, 0],
      );
    }
  });

  it('damaged anywhere gives an error that names the file', async () => {
    const content = npy([6, 8, 8, 3], '|u1', false, bytes(6 * 192));
    const packed = gzipSync(content);
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.nat(packed.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (isPacked, where, flip, cut) => {
          const whole = isPacked ? packed : content;
          const bad = Buffer.from(cut ? whole.subarray(0, where) : whole);
          if (!cut) bad[where] = (bad[where] as number) ^ flip;
          const from = file(bad, isPacked ? 'a.npy.gz' : 'a.npy');
          const end = await read(from).then(
            (images) => images,
            (error: Error) => error,
          );
          if (end instanceof Error) {
            assert.match(end.constructor.name, /^(Unusable|FisherlabError)$/, String(end));
            assert.doesNotMatch(end.message, /download/);
          } else {
            // Pixels of a plain file have no checksum, nor has gzip's own header.
            const isHarmless = where >= whole.length || (isPacked ? where < 10 : !cut);
            assert.ok(isHarmless, `byte ${where} of ${isPacked ? 'packed' : 'plain'}`);
          }
        },
      ),
      { numRuns: 400, seed: 1 },
    );
    const long = file(npy([4_000_000_000, 32, 32, 3], '|u1', false, bytes(10)));
    await assert.rejects(
      read(long),
      /^Error: cannot be read as an array: its header promises more/,
    );
  });
});
