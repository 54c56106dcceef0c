/**
 * # Reading and writing `.npy` and `.npy.gz`
 *
 * NumPy's format, version 1.0: the six bytes `\x93NUMPY`, two of version, the header's length, and
 * the header, a Python dictionary such as
 * `{'descr': '|u1', 'fortran_order': False, 'shape': (2000, 32, 32, 3), }` padded with spaces; then
 * the numbers. Here only what image files need: `uint8` in C order.
 *
 * A compressed file is inflated as a stream straight into the array it ends in, so that reading
 * needs the array and a few hundred kilobytes; it is always read to its end, where gzip keeps the
 * checksum of the whole. Nothing the header says is believed before the bytes have come: memory
 * grows no further than the file's own.
 *
 * Reference: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays".
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { at } from '../backend/index';
import { FisherlabError } from '../errors';

export interface NpyArray {
  /** As the file says: [N, …]. */
  readonly shape: readonly number[];
  /** Rows that `data` holds: N, or fewer where a limit was asked for. */
  readonly rows: number;
  /** Flat, [rows × the other dimensions]. */
  readonly data: Uint8Array;
}

const MAGIC = '\x93NUMPY';
const CHUNK = 1 << 18;

/** The header of a uint8 array in C order, padded to a multiple of 64 bytes as NumPy does. */
export function npyHeader(shape: readonly number[]): Buffer {
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': (${dimensions}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = Buffer.alloc(length, ' ');
  header.write(MAGIC, 0, 'latin1');
  header.writeUInt8(1, 6);
  header.writeUInt8(0, 7);
  header.writeUInt16LE(length - 10, 8);
  header.write(text, 10, 'latin1');
  header.write('\n', length - 1, 'latin1');
  return header;
}

/**
 * The shape and where the numbers start, or null while `head` is too short to say.
 * @throws {Error} if it is not a uint8 array
 */
export function parseNpyHeader(head: Buffer): { shape: number[]; start: number } | null {
  if (head.length < 12) return null;
  if (head.toString('latin1', 0, 6) !== MAGIC)
    throw new Error('it does not start as a .npy file does');
  const wide = head.readUInt8(6) > 1;
  const start = (wide ? 12 : 10) + (wide ? head.readUInt32LE(8) : head.readUInt16LE(8));
  if (start > 65536) throw new Error('its .npy header is too long');
  if (head.length < start) return null;
  const text = head.toString('latin1', wide ? 12 : 10, start);
  if (!/'descr': *'[|<]u1'/.test(text)) throw new Error('its numbers are not uint8');
  if (!/'fortran_order': *False/.test(text)) throw new Error('its numbers are in Fortran order');
  const dimensions = /'shape': *\(([^)]*)\)/.exec(text)?.[1];
  const shape = (dimensions ?? '')
    .split(',')
    .flatMap((part) => (part.trim() === '' ? [] : [Number(part)]));
  if (shape.length === 0 || shape.some((n) => !Number.isSafeInteger(n) || n < 0))
    throw new Error('its .npy header has no shape');
  return { shape, start };
}

/**
 * Reads a uint8 `.npy` or `.npy.gz` (by the end of its name), no more than its first `limit` rows.
 * @throws {FisherlabError} if the file is truncated, damaged or of another type, naming `label`
 */
export async function readNpy(
  file: string,
  label: string,
  limit = Number.POSITIVE_INFINITY,
): Promise<NpyArray> {
  try {
    const raw = createReadStream(file, { highWaterMark: CHUNK });
    const packed = file.endsWith('.gz');
    const stream = packed ? raw.pipe(createGunzip({ chunkSize: CHUNK })) : raw;
    raw.on('error', (error) => stream.destroy(error));
    // Deflate shrinks at most 1032-fold: a header that promises more than that lies.
    const most = (await stat(file)).size * (packed ? 1032 : 1);
    return await collect(stream, limit, most);
  } catch (error) {
    throw unreadable(label, error);
  }
}

/**
 * The shape that a `.npy` or `.npy.gz` says it has, from its first bytes alone.
 * @throws {FisherlabError} if the header is damaged or of another type, naming `label`
 */
export async function npyShape(file: string, label: string): Promise<readonly number[]> {
  try {
    const raw = createReadStream(file);
    const stream = file.endsWith('.gz') ? raw.pipe(createGunzip()) : raw;
    raw.on('error', (error) => stream.destroy(error));
    let head = Buffer.alloc(0);
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        head = Buffer.concat([head, chunk]);
        const parsed = parseNpyHeader(head);
        if (parsed !== null) return parsed.shape;
      }
    } finally {
      raw.destroy();
    }
    throw new Error('it ends within its header');
  } catch (error) {
    throw unreadable(label, error);
  }
}

function unreadable(label: string, error: unknown): FisherlabError {
  const reason = error instanceof Error ? error.message : String(error);
  return new FisherlabError(
    `${label} cannot be read: ${reason}`,
    'restore the file or download the set again',
  );
}

async function collect(stream: Readable, limit: number, most: number): Promise<NpyArray> {
  let head = Buffer.alloc(0);
  let shape: number[] | undefined;
  let data = new Uint8Array(0);
  let rows = 0;
  let seen = 0;
  let total = 0;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    let chunk = piece;
    if (shape === undefined) {
      head = Buffer.concat([head, chunk]);
      const parsed = parseNpyHeader(head);
      if (parsed === null) continue;
      shape = parsed.shape;
      total = shape.reduce((a, b) => a * b, 1);
      if (total > most) throw new Error('its header promises more than the file holds');
      rows = Math.min(limit, at(shape, 0));
      data = new Uint8Array(rows === 0 ? 0 : (total / at(shape, 0)) * rows);
      chunk = head.subarray(parsed.start);
    }
    if (seen < data.length) data.set(chunk.subarray(0, data.length - seen), seen);
    seen += chunk.length;
  }
  if (shape === undefined) throw new Error('it ends within its header');
  if (seen !== total) throw new Error(`it holds ${seen} numbers where its header says ${total}`);
  return { shape, rows, data };
}
