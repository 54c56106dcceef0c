/**
 * # Nine numbers that need no model
 *
 * A detector that understands the content of images must do better than one that only looks at how
 * they were made: how many grey levels the sensor or a resize left, how sharp they are, how
 * colourful. Here are nine such numbers for an 8-bit image x with values in 0 … 255 and C channels
 * of H × W pixels. Their joint density is the baseline `pixel statistics`.
 *
 * | column (`layer`) | of one image |
 * |---|---|
 * | `mean` | the mean of all values |
 * | `deviation` | their standard deviation |
 * | `levels` | log of the number of different values |
 * | `extremes` | log(1 + number of values that are 0 or 255) |
 * | `border` | log(1 + standard deviation along the outermost ring of pixels) |
 * | `first-difference` | log(1 + mean square of x(p) − x(q), q right of or below p) |
 * | `laplacian` | log(1 + mean square of 4 x(p) − Σ x(q), q the four neighbours of p) |
 * | `mixed-difference` | log(1 + mean square of (1, −2, 1) along rows, then along columns) |
 * | `colourfulness` | log(1 + σ + 0.3 μ), see `colourfulness`; 0 of a grey image |
 *
 * The three differences give more and more weight to high spatial frequencies: together they reveal
 * an image that was enlarged, scaled down or smoothed. Some numbers span powers of ten, and their
 * logarithms are closer to a normal distribution. The measures of sharpness were chosen on the
 * development pairs (`experiments/pairs.ts`).
 */
import type { Images } from '../data/index';
import type { FeatureTable } from '../detectors/index';
import { type ImageStatistic, summedInBatches } from './statistic';

export const PIXEL_STATISTICS = [
  'mean',
  'deviation',
  'levels',
  'extremes',
  'border',
  'first-difference',
  'laplacian',
  'mixed-difference',
  'colourfulness',
] as const;

/** The nine numbers as a statistic of images; they depend only on the pixels. */
export function pixelStatistics(): ImageStatistic {
  return {
    name: 'pixel-statistics',
    columns: PIXEL_STATISTICS.map((layer) => ({ feature: 'pixel-statistic', layer })),
    version: 1,
    key: {},
    of: async (data, indices) => columnsOf(data, indices),
  };
}

/** A table of the nine numbers for batches of B images; it needs neither a model nor a cache. */
export function pixelTable(data: Images, B: number): FeatureTable {
  const all = Array.from({ length: data.count }, (_, index) => index);
  const found = columnsOf(data, all);
  const columns = PIXEL_STATISTICS.map((layer, k) => ({
    feature: 'pixel-statistic',
    layer,
    values: Float64Array.from(found[k] as number[]),
  }));
  return summedInBatches({ rows: data.count, batchSize: 1, columns }, B);
}

/** One list per statistic, for the images in the order of `indices`. */
function columnsOf(data: Images, indices: readonly number[]): number[][] {
  const rows = indices.map((index) => pixelNumbers(imageOf(data, index), data.shape));
  return PIXEL_STATISTICS.map((_, k) => rows.map((row) => row[k] as number));
}

/**
 * The nine numbers of one image, in the order of `PIXEL_STATISTICS`.
 * @param image [H, W, C] 8-bit values
 */
export function pixelNumbers(
  image: Uint8Array,
  [height, width, channels]: Images['shape'],
): number[] {
  const { mean, deviation } = moments(image);
  const squares = meanSquares(image, height, width, channels);
  return [
    mean,
    deviation,
    Math.log(new Set(image).size),
    Math.log1p(image.reduce((count, value) => count + (value === 0 || value === 255 ? 1 : 0), 0)),
    Math.log1p(moments(ring(image, height, width, channels)).deviation),
    ...squares.map(Math.log1p),
    channels === 3 ? Math.log1p(colourfulness(image)) : 0,
  ];
}

function imageOf({ images, shape }: Images, index: number): Uint8Array {
  const size = shape[0] * shape[1] * shape[2];
  return images.subarray(index * size, (index + 1) * size);
}

function moments(values: ArrayLike<number>): { mean: number; deviation: number } {
  let sum = 0;
  let squares = 0;
  for (let k = 0; k < values.length; k++) {
    const value = values[k] as number;
    sum += value;
    squares += value * value; // 8-bit values: sums of squares are exact in float64
  }
  const mean = sum / values.length;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / values.length - mean * mean)) };
}

/** The values of the outermost ring of pixels. */
function ring(image: Uint8Array, height: number, width: number, channels: number): Uint8Array {
  return image.filter((_, at) => {
    const pixel = Math.floor(at / channels);
    const [y, x] = [Math.floor(pixel / width), pixel % width];
    return y === 0 || x === 0 || y === height - 1 || x === width - 1;
  });
}

/** Mean squares of the first differences, of the Laplacian, and of the mixed second differences. */
function meanSquares(
  image: Uint8Array,
  height: number,
  width: number,
  channels: number,
): [number, number, number] {
  const row = width * channels;
  const at = (position: number) => image[position] as number;
  let [first, firsts, laplacian, mixed, inner] = [0, 0, 0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let p = y * row + x * channels; p < y * row + (x + 1) * channels; p++) {
        if (x + 1 < width) {
          first += (at(p) - at(p + channels)) ** 2;
          firsts++;
        }
        if (y + 1 < height) {
          first += (at(p) - at(p + row)) ** 2;
          firsts++;
        }
        if (x === 0 || y === 0 || x === width - 1 || y === height - 1) continue;
        const along = (q: number) => at(q - channels) - 2 * at(q) + at(q + channels);
        const [above, here, below] = [along(p - row), along(p), along(p + row)];
        laplacian += (here + at(p - row) - 2 * at(p) + at(p + row)) ** 2;
        mixed += (above - 2 * here + below) ** 2;
        inner++;
      }
    }
  }
  return [first / firsts, laplacian / inner, mixed / inner];
}

/**
 * σ + 0.3 μ of an RGB image. σ is the length of the vector of the standard deviations of r − g and
 * (r + g)/2 − b, μ that of their means (Hasler and Süsstrunk, *Measuring colourfulness in natural
 * images*, SPIE 2003).
 */
function colourfulness(image: Uint8Array): number {
  const pixels = image.length / 3;
  const [rg, yb] = [new Float64Array(pixels), new Float64Array(pixels)];
  for (let p = 0; p < pixels; p++) {
    const [r, g, b] = [
      image[3 * p] as number,
      image[3 * p + 1] as number,
      image[3 * p + 2] as number,
    ];
    rg[p] = r - g;
    yb[p] = (r + g) / 2 - b;
  }
  const [first, second] = [moments(rg), moments(yb)];
  return Math.hypot(first.deviation, second.deviation) + 0.3 * Math.hypot(first.mean, second.mean);
}
