/**
 * # Bringing images to another size, back on the 8-bit grid
 *
 * Two ways in which the sets of the literature were made. Both round to whole numbers at the end,
 * so that no set can be recognised by its fractional values.
 *
 * *Bilinear* (GTSRB), with pixel centres at halves and without smoothing, as OpenCV and
 * torchvision's tensors do: `out(y, x) = Σ w_i w_j in(i, j)` over the four neighbours of `((y + ½)
 * H/h − ½, (x + ½) W/w − ½)`, the border repeated.
 *
 * *Area average* (Tiny-ImageNet 64 → 32, Omniglot 105 → 28): each output pixel is the mean of the
 * input area under it; a pixel that is partly covered counts in proportion.
 *
 * `resized` scales a rectangle of an image to any size: by area along a side that shrinks, so that
 * pixels are averaged instead of dropped, and bilinearly along a side that grows.
 */

export interface Size {
  readonly height: number;
  readonly width: number;
}

/** 8-bit pixels, channel last. */
export interface Raster extends Size {
  /** Flat, [height × width × channels]. */
  readonly data: Uint8Array;
  readonly channels: number;
}

/** A rectangle of an image, in its pixels; its edges may cut through pixels. */
export interface Region extends Size {
  readonly top: number;
  readonly left: number;
}

/**
 * The inputs and weights of each output position: output `o` is `Σ weights[t] · in[indices[t]]`
 * over `starts[o] ≤ t < starts[o + 1]`; its weights sum to 1.
 */
interface Taps {
  readonly starts: Int32Array;
  readonly indices: Int32Array;
  readonly weights: Float64Array;
}

/** Resizes along one side: `to` outputs from `length` inputs, the first at `start`. */
type Along = (start: number, length: number, to: number) => Taps;

/** Gathers taps; `each` adds those of output `o`. */
function taps(to: number, each: (o: number, add: (i: number, weight: number) => void) => void) {
  const starts = new Int32Array(to + 1);
  const indices: number[] = [];
  const weights: number[] = [];
  const add = (index: number, weight: number) => {
    indices.push(index);
    weights.push(weight);
  };
  for (let o = 0; o < to; o++) {
    each(o, add);
    starts[o + 1] = indices.length;
  }
  return { starts, indices: Int32Array.from(indices), weights: Float64Array.from(weights) };
}

const bilinearTaps: Along = (start, length, to) =>
  taps(to, (o, add) => {
    const at = ((o + 0.5) * length) / to - 0.5;
    const low = Math.floor(at);
    const clamp = (i: number) => start + Math.min(length - 1, Math.max(0, i));
    add(clamp(low), 1 - (at - low));
    add(clamp(low + 1), at - low);
  });

const areaTaps: Along = (first, length, to) => {
  const scale = length / to;
  const end = Math.ceil(first + length);
  return taps(to, (o, add) => {
    const [low, high] = [first + o * scale, first + (o + 1) * scale];
    for (let i = Math.floor(low); i < Math.min(Math.ceil(high), end); i++)
      add(i, (Math.min(high, i + 1) - Math.max(low, i)) / scale);
  });
};

function resampled({ data, width, channels }: Raster, rows: Taps, columns: Taps): Uint8Array {
  const [height, across] = [rows.starts.length - 1, columns.starts.length - 1];
  const out = new Uint8Array(height * across * channels); // [h, w, C]
  for (let y = 0; y < height; y++) {
    const [top, bottom] = [rows.starts[y] as number, rows.starts[y + 1] as number];
    for (let x = 0; x < across; x++) {
      const [left, right] = [columns.starts[x] as number, columns.starts[x + 1] as number];
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let i = top; i < bottom; i++) {
          const row = (rows.indices[i] as number) * width;
          const weight = rows.weights[i] as number;
          for (let j = left; j < right; j++)
            sum +=
              weight *
              (columns.weights[j] as number) *
              (data[(row + (columns.indices[j] as number)) * channels + c] as number);
        }
        out[(y * across + x) * channels + c] = Math.round(sum);
      }
    }
  }
  return out;
}

/**
 * To `side` × `side` by bilinear interpolation without smoothing; flat, [side × side × channels].
 */
export function bilinear(image: Raster, side: number): Uint8Array {
  return resampled(image, bilinearTaps(0, image.height, side), bilinearTaps(0, image.width, side));
}

/** To `side` × `side` by averaging areas; flat, [side × side × channels]. */
export function areaAverage(image: Raster, side: number): Uint8Array {
  return resampled(image, areaTaps(0, image.height, side), areaTaps(0, image.width, side));
}

/**
 * A region of an image at another size; flat, [height × width × channels]. A side that grows must
 * begin and end with whole pixels.
 */
export function resized(image: Raster, region: Region, to: Size): Uint8Array {
  const along = (start: number, length: number, size: number) =>
    (length >= size ? areaTaps : bilinearTaps)(start, length, size);
  return resampled(
    image,
    along(region.top, region.height, to.height),
    along(region.left, region.width, to.width),
  );
}
