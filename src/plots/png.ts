/**
 * # Pixels as a PNG inside a figure
 *
 * Images enter a figure as data URIs, so that one SVG file holds everything. Each pixel is written
 * as a square of `scale` × `scale` pixels: then a viewer that smooths enlarged images cannot blur a
 * 32×32 picture.
 */

/** A data URI of an image. `rgba` is flat, [height × width × 4], of numbers 0 … 255. */
export function pngDataUri(
  rgba: ArrayLike<number>,
  width: number,
  height: number,
  scale = 1,
): string {
  const { PNG } = require('pngjs') as typeof import('pngjs');
  const png = new PNG({ width: width * scale, height: height * scale });
  const rowLength = width * scale * 4;
  for (let y = 0; y < height; y++) {
    const start = y * scale * rowLength;
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 4; channel++) {
        const value = rgba[(y * width + x) * 4 + channel] as number;
        for (let k = 0; k < scale; k++) png.data[start + (x * scale + k) * 4 + channel] = value;
      }
    }
    for (let k = 1; k < scale; k++)
      png.data.copyWithin(start + k * rowLength, start, start + rowLength);
  }
  return `data:image/png;base64,${PNG.sync.write(png).toString('base64')}`;
}
