/**
 * # Fitting a picture of any size to a model
 *
 * If the shapes differ, `fit` says what to do:
 * - `stretch`: the whole picture is stretched to the model's shape;
 * - `crop`: the largest rectangle of the model's shape in its middle is kept;
 * - `pad`: the whole picture keeps its shape and is surrounded by black.
 *
 * Grey sets are 28x28 with a border of two black pixels, so for a grey model of 32x32, pictures are
 * resized to 28x28 and get this border. A picture that already has the model's size is left as it
 * is.
 *
 * For a colour model, a grey picture gets three equal channels, as in any viewer. For a grey model,
 * a coloured picture is refused, because there is more than one way to turn it grey.
 */
import { SIDE } from '../dataset';
import { type Raster, type Region, resized, type Size } from '../formats/resize';
import { Unusable } from './unusable';

export const FITS = ['stretch', 'crop', 'pad'] as const;
export type Fit = (typeof FITS)[number];

/** The size and channels that the model takes. */
export interface Target extends Size {
  readonly channels: number;
  readonly fit: Fit;
}

/**
 * Which part of a picture goes where: `from` is in pixels of the picture, `to` in pixels of the
 * model's image.
 */
export interface Plan {
  readonly from: Region;
  readonly to: Region;
}

const BORDER = 2;

export function plan(size: Size, target: Target): Plan {
  const { height, width, channels, fit } = target;
  const isSame = size.height === height && size.width === width;
  const framed = channels === 1 && height === SIDE && width === SIDE && !isSame;
  const border = framed ? BORDER : 0;
  const box = { height: height - 2 * border, width: width - 2 * border };
  let [from, to]: [Size, Size] = [size, box];
  if (fit === 'crop') from = within(size, box);
  if (fit === 'pad') to = within(box, size);
  return { from: centred(from, size, 0), to: centred(to, box, border) };
}

/**
 * The largest size within `room` that has the proportions of `shape`; at least one pixel wide and
 * high.
 */
function within(room: Size, shape: Size): Size {
  const height = Math.round((room.width * shape.height) / shape.width);
  const width = Math.round((room.height * shape.width) / shape.height);
  return {
    height: Math.max(1, Math.min(room.height, height)),
    width: Math.max(1, Math.min(room.width, width)),
  };
}

const centred = (size: Size, room: Size, border: number): Region => ({
  ...size,
  top: border + Math.floor((room.height - size.height) / 2),
  left: border + Math.floor((room.width - size.width) / 2),
});

/**
 * Fits a picture by its plan; `raster` may be a reduced copy of the picture. Flat, [height × width
 * × C].
 * @throws {Unusable} if it does not have the channels that the model takes
 */
export function fitted(raster: Raster, size: Size, { from, to }: Plan, target: Target): Uint8Array {
  const { data, height, width } = asChannels(raster, target.channels);
  const channels = target.channels;
  const [down, across] = [height / size.height, width / size.width];
  const region = {
    top: from.top * down,
    left: from.left * across,
    height: from.height * down,
    width: from.width * across,
  };
  const small = resized({ data, height, width, channels }, region, to);
  if (to.height === target.height && to.width === target.width) return small;
  const out = new Uint8Array(target.height * target.width * channels); // [H, W, C]
  for (let y = 0; y < to.height; y++) {
    const row = small.subarray(y * to.width * channels, (y + 1) * to.width * channels);
    out.set(row, ((to.top + y) * target.width + to.left) * channels);
  }
  return out;
}

/** The picture with as many channels as the model takes. */
function asChannels({ data, width, height, channels }: Raster, wanted: number): Raster {
  if (channels === wanted) return { data, width, height, channels };
  if (!(channels === 1 && wanted === 3) && !(channels === 3 && wanted === 1))
    throw new Unusable(
      `has ${channels} channels and the model takes ${wanted}`,
      'give images with that many channels',
    );
  const out = new Uint8Array(width * height * wanted); // [H, W, C]
  for (let p = 0; p < width * height; p++) {
    const [value, ...others] = data.subarray(p * channels, (p + 1) * channels);
    if (others.some((other) => other !== value))
      throw new Unusable(
        'is in colour and the model takes grey images',
        'turn it grey first, or choose a colour model',
      );
    out.fill(value as number, p * wanted, (p + 1) * wanted);
  }
  return { data: out, width, height, channels: wanted };
}
