/**
 * How long images of one's own take, and how far memory grows: 20,000 thumbnails, 2,000 pictures
 * from the web, 400 grey photographs of 4 megapixels. Not a test:
 * `npx tsx test/data/own-images.bench.ts`.
 *
 * Measured on two busy cores (load 6 to 13), Node 20, beside the reading one by one that was
 * before, in one run: a thumbnail 0.8 ms (1.2 before), a picture of 500x375 4.8 ms (13), both times
 * three rounds. All thumbnails take 17 s, and memory grows by 80 MB, of which the images are 61;
 * for the photographs by less than 30 MB.
 */
import { linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { ownImages } from '../../src/data/index';
import { bytes } from './help';

const DISTINCT = 20;

/** A folder of `count` pictures, most of them links to the first ones. */
async function folderOf(
  folder: string,
  count: number,
  [width, height]: readonly [number, number],
  format: 'png' | 'jpeg',
  channels: 1 | 3,
): Promise<void> {
  mkdirSync(folder);
  for (let k = 0; k < count; k++) {
    const file = path.join(folder, `${k}.${format}`);
    if (k >= DISTINCT) linkSync(path.join(folder, `${k % DISTINCT}.${format}`), file);
    else
      await sharp(bytes(24 * 18 * channels, k), { raw: { width: 24, height: 18, channels } })
        .resize(width, height, { fit: 'fill' })
        .toColourspace(channels === 1 ? 'b-w' : 'srgb')
        .toFormat(format, { quality: 90 })
        .toFile(file);
  }
}

async function measure(base: string): Promise<void> {
  for (const [name, count, size, format, channels] of [
    ['thumbnails', 20_000, [64, 48], 'png', 3],
    ['pictures', 2_000, [500, 375], 'jpeg', 3],
    ['photographs', 400, [2400, 1700], 'jpeg', 1],
  ] as const) {
    const folder = path.join(base, name);
    await folderOf(folder, count, size, format, channels);
    const before = process.memoryUsage.rss();
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss());
    }, 5);
    const start = performance.now();
    const { images } = await ownImages([folder], { height: 32, width: 32, channels });
    clearInterval(watch);
    const seconds = (performance.now() - start) / 1000;
    console.log(
      `${images.count} ${name} of ${size.join('x')}: ${seconds.toFixed(1)} s, ${((1000 * seconds) / count).toFixed(2)} ms each, memory grew by ${(most - before) >> 20} MB`,
    );
  }
}

const base = mkdtempSync(path.join(tmpdir(), 'fisherlab-bench-'));
void measure(base).finally(() => rmSync(base, { recursive: true, force: true }));
