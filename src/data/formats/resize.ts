/**
 * # Making images smaller, back on the 8-bit grid
 *
 * Two ways that sets of the literature are made with, each rounded to whole numbers at the end, so
 * that no set is known by values between the steps.
 *
 * *Bilinear*, pixel centres at halves, no smoothing first (what OpenCV and torchvision's tensors
 * do; GTSRB): `out(y, x) = Σ w_i w_j in(i, j)` over the four neighbours of
 * `((y + ½) H/h − ½, (x + ½) W/w − ½)`, the border repeated.
 *
 * *Area average* (Tiny-ImageNet 64 → 32, Omniglot 105 → 28): each output pixel is the mean of the
 * input under it, parts of pixels by their part.
 */

/** 8-bit pixels, channel last. */
export interface Raster {
  /** Flat, [height × width × channels]. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** For each output position the inputs that count and by how much (the weights sum to 1). */
type Taps = readonly (readonly [index: number, weight: number])[][];

function bilinearTaps(from: number, to: number): Taps {
  return Array.from({ length: to }, (_, o) => {
    const at = ((o + 0.5) * from) / to - 0.5;
    const low = Math.floor(at);
    const clamp = (i: number) => Math.min(from - 1, Math.max(0, i));
    return [
      [clamp(low), 1 - (at - low)],
      [clamp(low + 1), at - low],
    ];
  });
}

function areaTaps(from: number, to: number): Taps {
  const scale = from / to;
  return Array.from({ length: to }, (_, o) => {
    const [start, end] = [o * scale, (o + 1) * scale];
    const indices = Array.from(
      { length: Math.ceil(end) - Math.floor(start) },
      (_, k) => Math.floor(start) + k,
    ).filter((i) => i < from);
    return indices.map((i) => [i, (Math.min(end, i + 1) - Math.max(start, i)) / scale] as const);
  });
}

function resampled({ data, width, channels }: Raster, rows: Taps, columns: Taps): Uint8Array {
  const out = new Uint8Array(rows.length * columns.length * channels); // [h, w, C]
  rows.forEach((ys, y) => {
    columns.forEach((xs, x) => {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (const [i, wi] of ys)
          for (const [j, wj] of xs)
            sum += wi * wj * (data[(i * width + j) * channels + c] as number);
        out[(y * columns.length + x) * channels + c] = Math.round(sum);
      }
    });
  });
  return out;
}

/**
 * To `side` × `side` by bilinear interpolation without smoothing; flat, [side × side × channels].
 */
export function bilinear(image: Raster, side: number): Uint8Array {
  return resampled(image, bilinearTaps(image.height, side), bilinearTaps(image.width, side));
}

/** To `side` × `side` by averaging areas; flat, [side × side × channels]. */
export function areaAverage(image: Raster, side: number): Uint8Array {
  return resampled(image, areaTaps(image.height, side), areaTaps(image.width, side));
}
