import assert from 'node:assert/strict';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { dataset } from '../../src/data/dataset';
import type { ImageRow, PlaceRange, RowPart } from '../../src/data/image-row';
import { npyHeader } from '../../src/data/npy';
import { ownImages } from '../../src/data/own-images';
import { ownRow } from '../../src/data/own-row';
import { setRow } from '../../src/data/set-row';
import { bytes, ownFolder } from './help';

async function partsOf(row: ImageRow, ranges: readonly PlaceRange[]): Promise<RowPart[]> {
  const parts: RowPart[] = [];
  for await (const part of row.parts(ranges)) parts.push(part);
  return parts;
}

/** Ranges between ascending edges, some of which are left out. */
const rangesOf = (count: number) =>
  fc
    .uniqueArray(fc.integer({ min: 0, max: count }), { minLength: 2, maxLength: 7 })
    .map((edges) => edges.sort((a, b) => a - b))
    .chain((edges) =>
      fc.subarray(edges.slice(1).map((to, k) => ({ from: edges[k] as number, to }))),
    );

describe('rows of images', () => {
  const folder = ownFolder();
  const at = (...names: string[]) => path.join(folder(), ...names);
  const put = (name: string, shape: number[]) => {
    const file = path.join(process.env.FISHERLAB_DATA as string, name, 'test-images.npy.gz');
    mkdirSync(path.dirname(file), { recursive: true });
    const pixels = bytes(
      shape.reduce((a, b) => a * b, 1),
      3,
    );
    const packed = gzipSync(Buffer.concat([npyHeader(shape), pixels]), { level: 1 });
    writeFileSync(file, packed);
    return { file, length: packed.length };
  };
  beforeEach(() => {
    process.env.FISHERLAB_DATA = at('sets');
    mkdirSync(at('sets'));
  });

  it('of a data set give, for any ranges, the images of the whole set', async () => {
    for (const [name, shape] of [
      ['cifar10', [300, 32, 32, 3]],
      ['mnist', [90, 28, 28, 1]],
    ] as const) {
      put(name, [...shape]);
      const row = await setRow(name);
      const whole = await dataset(name);
      assert.deepEqual([row.count, row.shape], [whole.count, whole.shape]);
      const size = whole.images.length / whole.count;
      await fc.assert(
        fc.asyncProperty(rangesOf(row.count), async (ranges) => {
          const parts = await partsOf(row, ranges);
          assert.equal(parts.length, ranges.length);
          for (const [k, { from, to }] of ranges.entries()) {
            const { images, places, count } = parts[k] as RowPart;
            assert.deepEqual([count, places[0], places.at(-1)], [to - from, from, to - 1]);
            assert.deepEqual(images, whole.images.slice(from * size, to * size));
          }
        }),
        { numRuns: 20 },
      );
    }
    assert.equal((await setRow('cifar10', 'test', { limit: 7 })).count, 7);
    await assert.rejects(setRow('cifar10', 'test', { limit: 0 }), /cannot be limited to 0/);
    await assert.rejects(setRow('svhn', 'train'), /is not on this machine; get it with/);
  });

  it('of a data set read no further than the last wanted image', async () => {
    const { file, length } = put('cifar10', [1000, 32, 32, 3]);
    const row = await setRow('cifar10');
    truncateSync(file, length >> 1);
    const [part] = await partsOf(row, [{ from: 10, to: 20 }]);
    assert.equal(part?.count, 10);
    await assert.rejects(
      partsOf(row, [{ from: 990, to: 1000 }]),
      /test images of 'cifar10' .* cannot be read/,
    );
  });

  it('of files give the images of any ranges; an unusable image leaves its place empty', async () => {
    mkdirSync(at('own'));
    for (const name of ['a', 'c', 'e', 'f']) {
      const raw = { width: 32, height: 32, channels: 3 } as const;
      await sharp(bytes(3072, name.charCodeAt(0)), { raw })
        .png()
        .toFile(at('own', `${name}.png`));
    }
    writeFileSync(at('own', 'b.png'), 'no picture');
    const array = Buffer.concat([npyHeader([5, 32, 32, 3]), bytes(5 * 3072, 9)]);
    writeFileSync(at('own', 'd.npy'), array);
    const row = await ownRow([at('own')], [32, 32, 3]);
    const { images: whole } = await ownImages([at('own')], { height: 32, width: 32, channels: 3 });
    assert.deepEqual([row.count, whole.count, row.name], [10, 9, 'own']);
    const places = [0, 2, 3, 4, 5, 6, 7, 8, 9]; // b.png would have been the second
    await fc.assert(
      fc.asyncProperty(rangesOf(row.count), async (ranges) => {
        const parts = await partsOf(row, ranges);
        for (const [k, { from, to }] of ranges.entries()) {
          const part = parts[k] as RowPart;
          const expected = places.filter((place) => place >= from && place < to);
          assert.deepEqual(part.places, expected);
          const first = places.indexOf(expected[0] as number);
          assert.deepEqual(part.names, whole.names.slice(first, first + expected.length));
          assert.deepEqual(
            part.images,
            whole.images.slice(first * 3072, (first + expected.length) * 3072),
          );
          const left = from <= 1 && to > 1 ? [at('own', 'b.png')] : [];
          assert.deepEqual(
            part.leftOut.map(({ name }) => name),
            left,
          );
        }
      }),
      { numRuns: 20 },
    );
  });

  it('of an array that is damaged or ambiguous say so', async () => {
    const whole = gzipSync(Buffer.concat([npyHeader([5, 32, 32, 3]), bytes(5 * 3072, 9)]));
    writeFileSync(at('short.npy.gz'), whole.subarray(0, -1));
    await sharp(bytes(3072), { raw: { width: 32, height: 32, channels: 3 } })
      .png()
      .toFile(at('z.png'));
    const row = await ownRow([at('short.npy.gz'), at('z.png')], [32, 32, 3]);
    assert.equal(row.count, 6);
    const [part] = await partsOf(row, [{ from: 0, to: 6 }]);
    assert.deepEqual(part?.places, [5]);
    assert.match(part?.leftOut[0]?.reason ?? '', /cannot be read as an array/);
    writeFileSync(at('two.npy'), Buffer.concat([npyHeader([3, 32, 32]), bytes(3072)]));
    await assert.rejects(ownRow([at('two.npy')], [32, 32, 3]), /which may be CHW or NHW/);
  });
});
