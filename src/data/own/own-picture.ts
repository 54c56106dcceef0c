/**
 * # One picture to few pixels
 *
 * A picture is known by its first bytes, whatever it is called. Its header is read first, so that
 * nothing is decoded that is too large or of values that are not 8 or 16 bits; then libvips (sharp)
 * decodes it as a stream. What is much larger than the model's images never stands in memory as a
 * whole: along each side it is reduced, while it is decoded, to no less than `OVERSAMPLING` times
 * the size that is wanted, by whole-number averages and a triangle for the rest, and averaged by
 * area from there. On photographs of 2 and 12 megapixels the pixels so found differ from the area
 * average of the whole by at most one step of 255.
 *
 * A photograph lies as the camera was held; its EXIF orientation is applied, as viewers do.
 * Colours come by the embedded profile to sRGB. A picture that can be seen through in places is
 * refused, since what is behind it is not known.
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
  /** Grey where the file is grey, else RGB. */
  readonly raster: Raster;
  /** The size it has in the file, upright. */
  readonly size: Size;
  /** Whether EXIF says that it lies otherwise than it is to be shown. */
  readonly turned: boolean;
  /** How many pictures the file has; the first one is taken. */
  readonly frames: number;
  /** What the values were, where they had more than 8 bits. */
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

/** Runs `work`, perhaps after waiting for other work to end. */
export type Turn = <T>(work: () => Promise<T>) => Promise<T>;

/** From so many pixels on a picture waits for its turn. */
const LARGE = 20_000_000;

/**
 * Decodes a picture. `wanted` says, from the upright size, what size it is to have in the end;
 * `turn` keeps large pictures from being decoded together.
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

/** Asks every pixel: in a reduced picture one among thousands would be lost. */
async function assertOpaque(source: Sharp): Promise<void> {
  const opacity = await source.clone().extractChannel('alpha').raw().toBuffer();
  if (opacity.some((value) => value !== 255))
    throw new Unusable('is transparent in places', 'put it on a ground of your choice first');
}

/**
 * The picture as it is to be shown. EXIF's orientations 1 to 8 say where the first row and the
 * first column of the file are on the picture: top and left, top right, bottom right, bottom left,
 * then the same with rows and columns exchanged: left top, right top, right bottom, left bottom.
 * The first `channels` are kept.
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
