import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { npyHeader, npyShape, readNpy } from '../../src/data/npy';
import { bytes, ownFolder } from './help';

/** `numpy.save` of numpy.arange(6, dtype=numpy.uint8).reshape(2, 3), NumPy 2.4, byte for byte. */
const NUMPY = Buffer.concat([
  Buffer.from('\x93NUMPY\x01\x00v\x00', 'latin1'),
  Buffer.from(`${"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }".padEnd(117)}\n`),
  Buffer.from([0, 1, 2, 3, 4, 5]),
]);

describe('NumPy files', () => {
  const folder = ownFolder();
  const file = (content: Buffer, name = 'a.npy') => {
    const target = path.join(folder(), name);
    writeFileSync(target, content);
    return target;
  };

  it('files written by NumPy are read completely, with a limit, and compressed', async () => {
    assert.deepEqual(await readNpy(file(NUMPY), 'a'), {
      shape: [2, 3],
      rows: 2,
      data: Uint8Array.of(0, 1, 2, 3, 4, 5),
    });
    assert.deepEqual(await readNpy(file(gzipSync(NUMPY), 'a.npy.gz'), 'a', 1), {
      shape: [2, 3],
      rows: 1,
      data: Uint8Array.of(0, 1, 2),
    });
    assert.deepEqual(await npyShape(file(gzipSync(NUMPY), 'a.npy.gz'), 'a'), [2, 3]);
  });

  it('the header is the one that NumPy writes', () => {
    assert.deepEqual(npyHeader([2, 3]), NUMPY.subarray(0, 128));
    assert.equal(
      npyHeader([7]).toString('latin1', 10, 70).trimEnd(),
      "{'descr': '|u1', 'fortran_order': False, 'shape': (7,), }",
    );
  });

  it('arrays of any shape, cut into any gzip members, are read back unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
        fc.nat(200),
        async (shape, cut) => {
          const data = bytes(shape.reduce((a, b) => a * b, 1));
          const whole = Buffer.concat([npyHeader(shape), data]);
          const packed = Buffer.concat([
            gzipSync(whole.subarray(0, cut), { level: 0 }),
            gzipSync(whole.subarray(cut)),
          ]);
          const read = await readNpy(file(packed, 'a.npy.gz'), 'a');
          assert.deepEqual(read, { shape, rows: shape[0], data: new Uint8Array(data) });
        },
      ),
      { numRuns: 50, seed: 1 },
    );
  });

  it('damage anywhere is found, in one line that names the file', async () => {
    const packed = gzipSync(Buffer.concat([npyHeader([50, 20]), bytes(1000)]));
    const flipped = Buffer.from(packed);
    flipped[600] = 255 - (flipped[600] as number);
    const cases: [Buffer, string, RegExp][] = [
      [packed.subarray(0, 700), 'a.npy.gz', /unexpected end of file/],
      [flipped, 'a.npy.gz', /incorrect data check|invalid/],
      [
        Buffer.concat([npyHeader([50, 20]), bytes(999)]),
        'a.npy',
        /holds 999 numbers where its header says 1000/,
      ],
      [
        Buffer.concat([npyHeader([50, 20]), bytes(1001)]),
        'a.npy',
        /holds 1001 numbers where its header says 1000/,
      ],
      [npyHeader([4_000_000_000, 3072]), 'a.npy', /more than the file holds/],
      [NUMPY.subarray(0, 60), 'a.npy', /ends within its header/],
      [Buffer.from('hello hello hello'), 'a.npy', /does not start as a .npy file/],
      [Buffer.from(NUMPY.toString('latin1').replace('|u1', '<f4'), 'latin1'), 'a.npy', /not uint8/],
      [
        Buffer.from(NUMPY.toString('latin1').replace('False', 'True '), 'latin1'),
        'a.npy',
        /Fortran order/,
      ],
    ];
    for (const [content, name, message] of cases) {
      await assert.rejects(
        readNpy(file(content, name), 'the file of digits', 3),
        (error: Error) => {
          assert.equal(error.name, 'FisherlabError');
          assert.match(error.message, message);
          return error.message.startsWith('the file of digits cannot be read');
        },
      );
    }
    await assert.rejects(readNpy(path.join(folder(), 'none.npy'), 'the file'), /ENOENT/);
  });
});
