/**
 * # One picture to few pixels
 *
 * The format of a picture is recognised by its first bytes, whatever its name. The header is read
 * first, so that a picture that is too large, or does not have 8 or 16 bits, is refused before it
 * is decoded. Then libvips (sharp) decodes it as a stream. A picture much larger than the model's
 * images is never in memory as a whole: while it is decoded, each side is reduced to at least
 * `OVERSAMPLING` times the wanted size, by whole-number averages and a triangle filter for the
 * rest. From there it is averaged by area. On photographs of 2 and 12 megapixels, the result
 * differs from the area average of the whole by at most one step of 255.
 *
 * A photograph is stored as the camera was held, so its EXIF orientation is applied, as in viewers.
 * Colours are converted to sRGB by the embedded profile. A picture with transparent parts is
 * refused, because the background is unknown.
 *
 * Reference: JEITA CP-3451, Exif 2.3, tag 0x0112.
 */
import type { Sharp } from 'sharp';
import { picture } from '../formats/picture';
import type { Raster, Size } from '../formats/resize';
import { parseBmp } from './bmp';
import { assertSize, MOST_PIXELS, Unusable } from './unusable';

const OVERSAMPLING = 8;

/** A picture as viewers show it, reduced. */
export interface OwnPicture {
  /** Grey if the file is grey, otherwise RGB. */
  readonly raster: Raster;
  /** Its size in the file, after turning it upright. */
  readonly size: Size;
  /** Whether EXIF says that it must be turned or mirrored. */
  readonly turned: boolean;
  /** How many pictures the file has; the first one is taken. */
  readonly frames: number;
  /** The type of the values, if they had more than 8 bits. */
  readonly values?: string;
}

/** The first bytes of the formats that are read. */
function formatOf(bytes: Buffer): 'sharp' | 'bmp' | undefined {
  const text = (start: number, end: number) => bytes.toString('latin1', start, end);
  if (text(0, 2) === 'BM') return 'bmp';
  const known =
    text(0, 3) === '\xff\xd8\xff' ||
    text(0, 8) === '\x89PNG\r\n\x1a\n' ||
    (text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP') ||
    ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].includes(text(0, 4)) ||
    ['GIF87a', 'GIF89a'].includes(text(0, 6)) ||
    text(4, 8) === 'ftyp';
  return known ? 'sharp' : undefined;
}

/** Runs `work`, possibly after waiting for other work to end. */
export type Turn = <T>(work: () => Promise<T>) => Promise<T>;

/** A picture with at least this many pixels waits for its turn. */
const LARGE = 20_000_000;

/**
 * Decodes a picture. `wanted` maps the upright size to the size it should finally have; `turn`
 * keeps large pictures from being decoded at the same time.
 * @throws {Unusable} if it cannot be decoded
 */
export async function ownPicture(
  bytes: Buffer,
  wanted: (size: Size) => Size,
  turn: Turn,
): Promise<OwnPicture> {
  const format = formatOf(bytes);
  if (format === undefined)
    throw new Unusable(
      bytes.length === 0
        ? 'is empty'
        : 'cannot be read as an image: its content is of no known format',
      'give PNG, JPEG, WebP, TIFF, GIF, BMP or AVIF',
    );
  if (format === 'bmp') {
    const raster = parseBmp(bytes);
    return { raster, size: raster, turned: false, frames: 1 };
  }
  try {
    return await decoded(bytes, wanted, turn);
  } catch (error) {
    if (error instanceof Unusable) throw error;
    const reason = (error as Error).message.split('\n')[0] as string;
    throw new Unusable(`cannot be read as an image: ${reason}`, 'restore or remove the file');
  }
}

async function decoded(
  bytes: Buffer,
  wanted: (size: Size) => Size,
  turn: Turn,
): Promise<OwnPicture> {
  const source = picture(bytes, MOST_PIXELS);
  const header = await source.metadata();
  const { width, height, orientation = 1, pages = 1, depth, space, hasAlpha } = header;
  assertSize(height, width);
  if (depth !== 'uchar' && depth !== 'ushort')
    throw new Unusable(`has values of type ${depth}`, 'convert it to 8 bits');
  const size = orientation >= 5 ? { height: width, width: height } : { height, width };
  const { height: rows, width: columns } = wanted(size);
  const [down, across] = orientation >= 5 ? [columns, rows] : [rows, columns];
  const few = {
    height: Math.min(height, OVERSAMPLING * down),
    width: Math.min(width, OVERSAMPLING * across),
  };
  const same = few.height === height && few.width === width;
  const decode = async () => {
    if (hasAlpha) await assertOpaque(source);
    const reduced = same ? source : source.resize({ ...few, fit: 'fill', kernel: 'linear' });
    return reduced.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  };
  const { data, info } = await (width * height >= LARGE ? turn(decode) : decode());
  const isGrey = space === 'b-w' || space === 'grey16';
  const lying = { data, width: info.width, height: info.height, channels: info.channels };
  return {
    raster: upright(lying, orientation, isGrey ? 1 : 3),
    size,
    turned: orientation !== 1,
    frames: pages,
    ...(depth === 'uchar' ? {} : { values: '16 bits' }),
  };
}

/**
 * Checks every pixel of the full picture: in a reduced one, a few transparent pixels could get
 * lost.
 */
async function assertOpaque(source: Sharp): Promise<void> {
  const opacity = await source.clone().extractChannel('alpha').raw().toBuffer();
  if (opacity.some((value) => value !== 255))
    throw new Unusable('is transparent in places', 'put it on a background of your choice first');
}

/**
 * The upright picture. EXIF's orientations 1 to 8 say where the first row and the first column of
 * the file are in the picture: top and left, top right, bottom right, bottom left, then the same
 * with rows and columns exchanged: left top, right top, right bottom, left bottom. The first
 * `channels` are kept.
 */
function upright(image: Raster, orientation: number, channels: number): Raster {
  if (orientation === 1 && image.channels === channels) return image;
  const { data } = image;
  const exchanged = orientation >= 5;
  const [height, width] = exchanged ? [image.width, image.height] : [image.height, image.width];
  const fromRight = [2, 3, 6, 7].includes(orientation);
  const fromBottom = [3, 4, 7, 8].includes(orientation);
  const out = new Uint8Array(height * width * channels); // [height, width, C]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const across = fromRight ? width - 1 - x : x;
      const down = fromBottom ? height - 1 - y : y;
      const [row, column] = exchanged ? [across, down] : [down, across];
      const from = (row * image.width + column) * image.channels;
      for (let c = 0; c < channels; c++)
        out[(y * width + x) * channels + c] = data[from + c] as number;
    }
  }
  return { data: out, height, width, channels };
}
