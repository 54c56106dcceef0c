/**
 * # Writing a converted split
 *
 * Writes `<split>-images.npy.gz` portion by portion, in one pass, under a temporary name. The
 * pixels are *stored* in gzip without compression: photographs would shrink by only a tenth, and
 * inflating would take most of the reading time. The stored form still has gzip's checksum and the
 * common layout.
 *
 * A `.npy` header comes first in the file but contains the count, which is known last. A gzip file
 * may consist of several members, so the header is a separate member of constant length. Space is
 * left for it, and it is filled in at the end.
 *
 * Reference: RFC 1952, §2.2.
 */
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip, gzipSync } from 'node:zlib';
import { writeBeside } from '../backend/index';
import { FisherlabError } from '../errors';
import type { Portion } from './formats/portion';
import { writeLabels } from './labels';
import { npyHeader } from './npy';
import type { Split } from './sets';

const stored = (bytes: Buffer) => gzipSync(bytes, { level: 0 });

/**
 * Writes all portions as a split of `folder`; the file of images appears last, when it is complete.
 * Returns the number of images.
 * @throws {FisherlabError} if there are no images, or a file cannot be written; then no file is
 *   left
 */
export async function writeSplit(
  folder: string,
  split: Split,
  shape: readonly [number, number, number],
  portions: AsyncIterable<Portion>,
  onPortion: (count: number) => void = () => {},
): Promise<number> {
  const target = path.join(folder, `${split}-images.npy.gz`);
  const size = shape[0] * shape[1] * shape[2];
  const labels: Uint8Array[] = [];
  let count = 0;
  const room = stored(npyHeader([0, ...shape])).length;
  const pixels = async function* () {
    for await (const portion of portions) {
      if (portion.images.length % size !== 0)
        throw new Error(`a portion has ${portion.images.length} bytes for images of ${size}`);
      count += portion.images.length / size;
      if (portion.labels !== undefined) labels.push(portion.labels);
      yield portion.images;
      onPortion(count);
    }
  };
  await writeBeside(target, async (file) => {
    const write = (packed: AsyncIterable<Buffer>) => writeChunks(file, packed, room);
    await pipeline(pixels, createGzip({ level: 0, chunkSize: 1 << 20 }), write);
    if (count === 0)
      throw new FisherlabError(
        `the ${split} set of '${path.basename(folder)}' has no images`,
        'check that it is the official file',
      );
    const header = stored(npyHeader([count, ...shape]));
    await file.write(header, 0, header.length, 0);
    if (labels.length > 0)
      await writeLabels(
        path.join(folder, `${split}-labels.npy`),
        Buffer.concat([npyHeader([count]), ...labels]),
      );
  });
  return count;
}

/** Writes everything from `source` to `file`, from position `at` on. */
async function writeChunks(
  file: FileHandle,
  source: AsyncIterable<Buffer>,
  at: number,
): Promise<void> {
  let position = at;
  for await (const chunk of source) {
    await file.write(chunk, 0, chunk.length, position);
    position += chunk.length;
  }
}
