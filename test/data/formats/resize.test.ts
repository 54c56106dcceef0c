import assert from 'node:assert/strict';
import { tf } from '../../../src/backend/start';
import { parsePpm } from '../../../src/data/formats/ppm';
import { areaAverage, bilinear } from '../../../src/data/formats/resize';
import { bytes } from '../help';

describe('making images smaller', () => {
  it('bilinear agrees with TensorFlow.js (half-pixel centres) to the rounding, up and down and for sides that differ', async () => {
    tf.env().set('IS_TEST', true); // no banner
    const before = tf.getBackend();
    await tf.setBackend('cpu');
    try {
      for (const [height, width] of [
        [15, 17],
        [64, 50],
        [31, 220],
        [32, 32],
      ] as const) {
        const data = bytes(height * width * 3, height);
        const expected = tf.tidy(() =>
          tf.image
            .resizeBilinear(tf.tensor3d([...data], [height, width, 3]), [32, 32], false, true)
            .dataSync(),
        );
        bilinear({ data, width, height, channels: 3 }, 32).forEach((value, i) => {
          assert.ok(
            Math.abs(value - (expected[i] as number)) <= 0.501,
            `${height}x${width}, ${i}: ${value} against ${expected[i]}`,
          );
        });
      }
    } finally {
      if (before) await tf.setBackend(before);
    }
  });

  it('the area average of 105x105 to 28x28 is that of 15x15 blocks of the image drawn four times as large', () => {
    const data = bytes(105 * 105, 3);
    const out = areaAverage({ data, width: 105, height: 105, channels: 1 }, 28);
    for (let y = 0; y < 28; y++) {
      for (let x = 0; x < 28; x++) {
        let sum = 0;
        for (let i = 0; i < 225; i++) {
          const [row, column] = [
            Math.floor((15 * y + Math.floor(i / 15)) / 4),
            Math.floor((15 * x + (i % 15)) / 4),
          ];
          sum += data[105 * row + column] as number;
        }
        assert.ok(Math.abs((out[28 * y + x] as number) - sum / 225) <= 0.5 + 1e-9, `${y}, ${x}`);
      }
    }
  });

  it('an image of one colour keeps it', () => {
    for (const shrink of [bilinear, areaAverage]) {
      const out = shrink(
        { data: new Uint8Array(47 * 91 * 3).fill(201), width: 47, height: 91, channels: 3 },
        32,
      );
      assert.ok(out.length === 3072 && out.every((value) => value === 201));
    }
  });
});

describe('PPM', () => {
  it('is read with a comment in its header and pixels that look like white space', () => {
    const pixels = Buffer.from([32, 10, 13, 9, 35, 48]);
    const { data, ...rest } = parsePpm(
      Buffer.concat([Buffer.from('P6\n# by a camera\n2 1\n255\n'), pixels]),
    );
    assert.deepEqual(rest, { width: 2, height: 1, channels: 3 });
    assert.deepEqual([...data], [...pixels]);
  });

  it('is read or refused at once however much white space and comments there are', () => {
    const blanks = ' '.repeat(1000);
    const { width, height } = parsePpm(Buffer.from(`P6${blanks}2${blanks}1${blanks}255 abcdef`));
    assert.deepEqual([width, height], [2, 1]);
    for (const filler of [' ', '\n', '#\n', ' #', '# \n '])
      assert.throws(
        () => parsePpm(Buffer.from(`P6${filler.repeat(500_000)}x`)),
        /not a binary PPM/,
      );
  });

  it('is refused if it ends too early, has 16 bits or is another format', () => {
    assert.throws(() => parsePpm(Buffer.from('P6 2 1 255 abcde')), /ends before its 2x1 pixels/);
    assert.throws(() => parsePpm(Buffer.from('P6 1 1 65535 abcdef')), /not a binary PPM/);
    assert.throws(() => parsePpm(Buffer.from('P5 1 1 255 a')), /not a binary PPM/);
    for (const header of [
      'P61 1 255 ',
      'P6 1 1 255',
      'P6 1 255 ',
      'P6 1 #1 255 ',
      'P6 999999 1 255 ',
    ])
      assert.throws(() => parsePpm(Buffer.from(`${header}`)), /not a binary PPM/, header);
  });
});
