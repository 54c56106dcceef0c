/**
 * # How many bits an image takes
 *
 * Input complexity (Serrà et al. 2020, arXiv 1909.11480; `detectors/likelihood-corrections.ts`)
 * asks a general lossless codec how simple an image is: L(x) is 8 times the bytes of the *smaller*
 * of two files,
 *
 * - PNG at its best compression, with row filters and without (the smaller);
 * - lossless WebP at its greatest effort.
 *
 * The 8-bit image is compressed without noise and in its natural size: the border of two black
 * pixels around a 28x28 image is cut off. Headers take the same number of bytes in all images of
 * one size, so they do not affect comparisons. The column `complexity-bits` is in bits, the unit of
 * −log₂ p.
 */
import type { Images } from '../data/index';
import type { Model } from '../models/index';
import type { ImageStatistic } from './statistic';

/** Width of the border that 28x28 images get. */
const BORDER = 2;

/** For models whose log-likelihood can be compared with it. */
export function complexity({
  model,
}: {
  readonly model: Pick<Model, 'isSurrogate'>;
}): ImageStatistic | null {
  if (model.isSurrogate) return null;
  const { versions } = require('sharp') as typeof import('sharp').default;
  return {
    name: 'complexity-bits',
    version: 1,
    columns: [{ feature: 'complexity-bits' }],
    key: { codecs: 'png, webp', sharp: versions.sharp ?? '', vips: versions.vips },
    of: async (data, indices) => [await Promise.all(indices.map((index) => bitsOf(data, index)))],
  };
}

/** Bits of the smallest lossless file of one image. */
export async function bitsOf(data: Images, index: number): Promise<number> {
  const { default: sharp } = await import('sharp');
  const [height, width, channels] = data.shape;
  const size = height * width * channels;
  const raw = { width, height, channels: channels as 1 | 3 };
  const whole = Buffer.from(data.images.subarray(index * size, (index + 1) * size));
  const image = sharp(hasBorder(whole, raw) ? inner(whole, raw) : whole, {
    raw: hasBorder(whole, raw)
      ? { ...raw, width: width - 2 * BORDER, height: height - 2 * BORDER }
      : raw,
  }).toColourspace(channels === 1 ? 'b-w' : 'srgb');
  const files = await Promise.all([
    image.clone().png({ compressionLevel: 9, adaptiveFiltering: false }).toBuffer(),
    image.clone().png({ compressionLevel: 9, adaptiveFiltering: true }).toBuffer(),
    image.clone().webp({ lossless: true, effort: 6 }).toBuffer(),
  ]);
  return 8 * Math.min(...files.map((file) => file.length));
}

interface Size {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** Whether a grey image has the black border that 28x28 images get. */
function hasBorder(image: Uint8Array, { width, height, channels }: Size): boolean {
  if (channels !== 1 || width <= 2 * BORDER || height <= 2 * BORDER) return false;
  return image.every(
    (value, at) =>
      value === 0 || isInner(at % width, width) * isInner(Math.floor(at / width), height) === 1,
  );
}

function isInner(position: number, length: number): 0 | 1 {
  return position >= BORDER && position < length - BORDER ? 1 : 0;
}

function inner(image: Buffer, { width, height }: Size): Buffer {
  const rows = Array.from({ length: height - 2 * BORDER }, (_, y) => {
    const start = (y + BORDER) * width + BORDER;
    return image.subarray(start, start + width - 2 * BORDER);
  });
  return Buffer.concat(rows);
}
