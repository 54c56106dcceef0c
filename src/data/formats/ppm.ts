/**
 * # Binary PPM, GTSRB's format
 *
 * `P6`, width, height, the largest value (255), each after white space or comments (`#` to the end
 * of the line), one white space, then RGB bytes. The prebuilt library of sharp does not read PPM.
 *
 * The header is read byte by byte, once: a regular expression for "white space or comments" can
 * divide a run of blanks in exponentially many ways.
 *
 * Reference: netpbm, ppm(5).
 */
import type { Raster } from './resize';

/** No header is longer than this, comments included. */
const MOST_HEADER = 4096;
/** No number in it has more digits, so no image is 100,000 pixels wide or high. */
const MOST_DIGITS = 5;

/** @throws {Error} if it is not such a file or ends too early */
export function parsePpm(bytes: Buffer): Raster {
  const no = new Error('it is not a binary PPM of 8 bits');
  const end = Math.min(bytes.length, MOST_HEADER);
  let at = 2;
  const isSpace = () =>
    at < end && ' \t\n\v\f\r'.includes(String.fromCharCode(bytes[at] as number));
  const isDigit = () => at < end && (bytes[at] as number) >= 0x30 && (bytes[at] as number) <= 0x39;
  const number = () => {
    const start = at;
    while (isSpace() || bytes[at] === 0x23) {
      if (isSpace()) at++;
      else {
        const line = bytes.subarray(0, end).indexOf('\n', at);
        if (line < 0) throw no;
        at = line + 1;
      }
    }
    if (at === start) throw no;
    const first = at;
    while (isDigit()) at++;
    if (at === first || at - first > MOST_DIGITS) throw no;
    return Number(bytes.toString('latin1', first, at));
  };
  if (bytes.toString('latin1', 0, 2) !== 'P6') throw no;
  const [width, height, most] = [number(), number(), number()];
  if (most !== 255 || !isSpace()) throw no;
  const data = bytes.subarray(at + 1, at + 1 + width * height * 3);
  if (width === 0 || height === 0 || data.length !== width * height * 3)
    throw new Error(`the PPM ends before its ${width}x${height} pixels`);
  return { data, width, height, channels: 3 };
}
