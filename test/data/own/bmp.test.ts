import assert from 'node:assert/strict';
import { parseBmp } from '../../../src/data/own/bmp';
import { Unusable } from '../../../src/data/own/unusable';
import { bytes } from '../help';

/** A BMP by Microsoft's description: rows from the lowest up, each filled up to four bytes. */
function bmp(
  width: number,
  height: number,
  bits: number,
  rows: readonly (readonly number[])[],
  { palette = [] as number[], gap = 0, compression = 0, headerSize = 40 } = {},
): Buffer {
  const head = Buffer.alloc(14 + headerSize);
  const body = rows.map((row) =>
    Buffer.from([...row, ...Array((4 - (row.length % 4)) % 4).fill(0xee)]),
  );
  head.write('BM');
  head.writeUInt32LE(head.length + palette.length + gap, 10);
  head.writeUInt32LE(headerSize, 14);
  head.writeInt32LE(width, 18);
  head.writeInt32LE(height, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(bits, 28);
  head.writeUInt32LE(compression, 30);
  head.writeUInt32LE(palette.length / 4, 46);
  return Buffer.concat([head, Buffer.from(palette), Buffer.alloc(gap, 0xdd), ...body]);
}

/** Blue, green, red and an unused byte of four colours. */
const PALETTE = [10, 11, 12, 0, 20, 21, 22, 0, 30, 31, 32, 0, 40, 41, 42, 0];
const colours = (...indices: number[]) =>
  indices.flatMap((i) => [10 * i + 12, 10 * i + 11, 10 * i + 10]);

describe('a BMP', () => {
  it('of 24 bits lies from the lowest row up, blue first, and from the top where its height is negative', () => {
    const low = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const high = [11, 12, 13, 14, 15, 16, 17, 18, 19];
    const [top, bottom] = [
      [13, 12, 11, 16, 15, 14, 19, 18, 17],
      [3, 2, 1, 6, 5, 4, 9, 8, 7],
    ];
    const up = parseBmp(bmp(3, 2, 24, [low, high]));
    assert.deepEqual([up.width, up.height, up.channels], [3, 2, 3]);
    assert.deepEqual([...up.data], [...top, ...bottom]);
    assert.deepEqual([...parseBmp(bmp(3, -2, 24, [low, high])).data], [...bottom, ...top]);
  });

  it('of 32 bits has an unused byte, and its pixels start where the header says', () => {
    const file = bmp(2, 1, 32, [[1, 2, 3, 0, 4, 5, 6, 99]], { gap: 10, headerSize: 124 });
    assert.deepEqual([...parseBmp(file).data], [3, 2, 1, 6, 5, 4]);
  });

  it('of 1, 4 and 8 bits has its colours from its palette, rows of odd width, too', () => {
    const palette = PALETTE;
    const eight = parseBmp(
      bmp(
        3,
        2,
        8,
        [
          [3, 0, 1],
          [2, 2, 0],
        ],
        { palette },
      ),
    );
    assert.deepEqual([...eight.data], colours(2, 2, 0, 3, 0, 1));
    const four = parseBmp(
      bmp(
        3,
        2,
        4,
        [
          [0x30, 0x10],
          [0x22, 0x00],
        ],
        { palette },
      ),
    );
    assert.deepEqual([...four.data], colours(2, 2, 0, 3, 0, 1));
    const one = parseBmp(
      bmp(9, 1, 1, [[0b10110000, 0b10000000]], { palette: PALETTE.slice(0, 8) }),
    );
    assert.deepEqual([...one.data], colours(1, 0, 1, 1, 0, 0, 0, 0, 1));
  });

  it('of another kind, too large, or cut off is refused', () => {
    const row = [1, 2, 3];
    const cases: [Buffer, RegExp][] = [
      [bmp(1, 1, 24, [row], { compression: 1 }), /unsupported kind \(24 bits, compression 1\)/],
      [bmp(1, 1, 16, [row]), /unsupported kind \(16 bits/],
      [bmp(40_000, 40_000, 24, [row]), /has 40000x40000 pixels, more than the 110 million/],
      [bmp(0, 1, 24, [row]), /has no pixels/],
      [bmp(1, 3, 24, [row, row]), /ends before its 1x3 pixels/],
      [bmp(1, 1, 8, [[4]], { palette: PALETTE }), /a colour that its palette does not have/],
      [bmp(1, 1, 24, [row]).subarray(0, 40), /ends within its BMP header/],
    ];
    for (const [file, message] of cases)
      assert.throws(
        () => parseBmp(file),
        (error: Error) => error instanceof Unusable && message.test(error.message),
        String(message),
      );
  });

  it('of any bytes is read or refused', () => {
    const start = bmp(
      4,
      3,
      8,
      [
        [0, 1, 2, 3],
        [3, 2, 1, 0],
        [0, 0, 0, 0],
      ],
      { palette: PALETTE },
    );
    for (let seed = 0; seed < 2000; seed++) {
      const bad = Buffer.from(start);
      for (const byte of bytes(4, seed)) bad[2 + (byte % 52)] = (byte * 7 + seed) % 256;
      try {
        const { data, width, height } = parseBmp(bad);
        assert.equal(data.length, 3 * width * height);
      } catch (error) {
        assert.ok(error instanceof Unusable, String(error));
      }
    }
  });
});
