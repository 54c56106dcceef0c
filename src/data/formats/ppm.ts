/**
 * # Binary PPM, GTSRB's format
 *
 * `P6`, width, height, the largest value (255), each after white space or a comment, one white
 * space, then RGB bytes. sharp's prebuilt library reads no PPM.
 *
 * Reference: netpbm, ppm(5).
 */
import type { Raster } from './resize';

export function parsePpm(bytes: Buffer): Raster {
  const header = /^P6(?:\s+|#[^\n]*\n)+(\d+)(?:\s+|#[^\n]*\n)+(\d+)(?:\s+|#[^\n]*\n)+255\s/.exec(
    bytes.toString('latin1', 0, 512),
  );
  if (header === null) throw new Error('it is no binary PPM of 8 bits');
  const [width, height] = [Number(header[1]), Number(header[2])];
  const data = bytes.subarray(header[0].length, header[0].length + width * height * 3);
  if (width === 0 || height === 0 || data.length !== width * height * 3)
    throw new Error(`the PPM ends before its ${width}x${height} pixels`);
  return { data, width, height, channels: 3 };
}
