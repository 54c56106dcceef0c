/**
 * # A contact sheet
 *
 * The first images of a set side by side, each pixel drawn as 2x2, on a mid-grey background: the
 * quickest check that a set is what it claims to be.
 */
import { type Dataset, SIDE } from './dataset';

const SCALE = 2;
const GAP = 2;
const GROUND = 128;

/**
 * The first `n` images (fewer if the set has fewer) in a grid about twice as wide as high, as a
 * PNG.
 */
export async function contactSheet(set: Dataset, n = 72): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  const shown = Math.min(n, set.count);
  const columns = Math.ceil(Math.sqrt(2 * shown));
  const rows = Math.ceil(shown / columns);
  const cell = SIDE * SCALE + GAP;
  const [width, height, channels] = [columns * cell + GAP, rows * cell + GAP, set.shape[2]];
  const sheet = Buffer.alloc(width * height * channels, GROUND); // [height, width, C]
  for (let k = 0; k < shown; k++) {
    const [top, left] = [Math.floor(k / columns) * cell + GAP, (k % columns) * cell + GAP];
    for (let y = 0; y < SIDE * SCALE; y++) {
      for (let x = 0; x < SIDE * SCALE; x++) {
        const from = ((k * SIDE + Math.floor(y / SCALE)) * SIDE + Math.floor(x / SCALE)) * channels;
        sheet.set(
          set.images.subarray(from, from + channels),
          ((top + y) * width + left + x) * channels,
        );
      }
    }
  }
  return sharp(sheet, { raw: { width, height, channels: channels as 1 | 3 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
}
