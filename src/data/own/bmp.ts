/**
 * # BMP, Windows' bitmaps, uncompressed
 *
 * A header of 14 bytes (`BM`, …, where the pixels start), one of 40 or more (size, bits of a pixel,
 * kind of compression), a palette where pixels have 1, 4 or 8 bits, then rows padded to four bytes,
 * the lowest first unless the height is negative; colours are blue, green, red. With a header of 40
 * bytes, the fourth byte of 32-bit pixels is unused and ignored.
 *
 * The prebuilt library of sharp does not read BMP. Of the decoders on npm, `bmp-ts` 1.0.9 and
 * `bmp-js` 0.1.0 ignore the position of the pixels in the header, `bmp-ts` also loses rows of 4-bit
 * pixels if the width is odd, and `fast-bmp` 4.0.1 reads palettes as grey. Reading a picture
 * wrongly is worse than refusing it, so this file reads the common kinds and refuses the rest
 * (run-length coding, masks, 16 bits).
 *
 * Reference: Microsoft, "Bitmap Storage", BITMAPINFOHEADER.
 */
import type { Raster } from '../formats/resize';
import { assertSize, Unusable } from './unusable';

const BITS = [1, 4, 8, 24, 32];

/**
 * The pixels, in RGB.
 * @throws {Unusable} if the kind is not supported, or the file ends too early
 */
export function parseBmp(bytes: Buffer): Raster {
  if (bytes.length < 54) throw new Unusable('ends within its BMP header', 'restore the file');
  const [start, headerSize] = [bytes.readUInt32LE(10), bytes.readUInt32LE(14)];
  const [width, signedHeight] = [bytes.readInt32LE(18), bytes.readInt32LE(22)];
  const [bits, compression] = [bytes.readUInt16LE(28), bytes.readUInt32LE(30)];
  if (headerSize < 40 || !BITS.includes(bits) || compression !== 0 || width < 0)
    throw new Unusable(
      `is a BMP of an unsupported kind (${bits} bits, compression ${compression})`,
      'convert it to PNG',
    );
  const height = Math.abs(signedHeight);
  assertSize(height, width);
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (start + stride * height > bytes.length)
    throw new Unusable(`ends before its ${width}x${height} pixels`, 'restore the file');

  const colours = bits <= 8 ? bytes.readUInt32LE(46) || 1 << bits : 0;
  const palette = bytes.subarray(14 + headerSize, 14 + headerSize + 4 * colours);
  if (palette.length !== 4 * colours || 14 + headerSize + 4 * colours > start)
    throw new Unusable('has a damaged BMP header', 'restore the file');
  const data = new Uint8Array(width * height * 3); // [H, W, 3]
  for (let y = 0; y < height; y++) {
    const row = start + (signedHeight < 0 ? y : height - 1 - y) * stride;
    for (let x = 0; x < width; x++) {
      let [source, from] = [bytes, row + (x * bits) / 8];
      if (bits <= 8) {
        const byte = bytes[Math.floor(from)] as number;
        const shift = 8 - bits - ((x * bits) % 8);
        [source, from] = [palette, 4 * ((byte >> shift) & ((1 << bits) - 1))];
        if (from >= palette.length)
          throw new Unusable('names a colour that its palette does not have', 'restore the file');
      }
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = source[from + 2 - c] as number;
    }
  }
  return { data, width, height, channels: 3 };
}
