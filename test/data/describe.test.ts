import assert from 'node:assert/strict';
import sharp from 'sharp';
import {
  contactSheet,
  type Dataset,
  describe as describeSet,
  descriptionText,
} from '../../src/data/index';
import { bytes, ownFolder } from './help';

const some = (count: number, channels: 1 | 3, labels?: number[]): Dataset => ({
  name: channels === 3 ? 'cifar10' : 'mnist',
  split: 'test',
  source: 'a test',
  licence: 'free',
  images: new Uint8Array(bytes(count * 1024 * channels)),
  count,
  shape: [32, 32, channels],
  ...(labels === undefined ? {} : { labels: Uint8Array.from(labels) }),
});

describe('describing a data set', () => {
  ownFolder();

  it('mean and standard deviation are those of pixel / 255 in each channel, classes are counted', () => {
    const set = some(3, 3, [2, 0, 2]);
    const { mean, std, classes } = describeSet(set);
    for (let c = 0; c < 3; c++) {
      const values = [...set.images].filter((_, i) => i % 3 === c).map((value) => value / 255);
      const expected = values.reduce((a, b) => a + b) / values.length;
      assert.ok(Math.abs((mean[c] as number) - expected) < 1e-12);
      assert.ok(
        Math.abs(
          (std[c] as number) -
            Math.sqrt(values.reduce((a, b) => a + (b - expected) ** 2, 0) / values.length),
        ) < 1e-12,
      );
    }
    assert.deepEqual(classes, [1, 0, 2]);
    assert.match(descriptionText(set), /classes {2}1 0 2\nlicence {2}free/);
    assert.deepEqual(describeSet(some(2, 1)).classes, []);
  });

  it('the contact sheet shows every image, each pixel as 2x2, on grey', async () => {
    for (const channels of [1, 3] as const) {
      const set = some(7, channels);
      const { data, info } = await sharp(await contactSheet(set))
        .toColourspace(channels === 1 ? 'b-w' : 'srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      assert.deepEqual(
        [info.width, info.height, info.channels],
        [4 * 66 + 2, 2 * 66 + 2, channels],
      );
      const at = (x: number, y: number) => [
        ...data.subarray((y * info.width + x) * channels, (y * info.width + x + 1) * channels),
      ];
      for (const [n, y, x] of [
        [0, 0, 0],
        [3, 31, 31],
        [4, 5, 9],
        [6, 30, 2],
      ] as const) {
        const pixel = [
          ...set.images.subarray(
            ((n * 32 + y) * 32 + x) * channels,
            ((n * 32 + y) * 32 + x + 1) * channels,
          ),
        ];
        const [left, top] = [2 + (n % 4) * 66 + 2 * x, 2 + Math.floor(n / 4) * 66 + 2 * y];
        assert.deepEqual([at(left, top), at(left + 1, top + 1)], [pixel, pixel]);
      }
      assert.deepEqual(at(0, 0), Array(channels).fill(128));
      assert.deepEqual(
        at(info.width - 10, info.height - 10),
        Array(channels).fill(128),
        'the eighth place is empty',
      );
    }
  });
});
