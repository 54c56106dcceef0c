/**
 * # Reading and writing `.npy` and `.npy.gz`
 *
 * NumPy's format, version 1.0: the six bytes `\x93NUMPY`, two of version, the header's length, and
 * the header, a Python dictionary such as `{'descr': '|u1', 'fortran_order': False, 'shape': (2000,
 * 32, 32, 3), }` padded with spaces; then the numbers. Data sets are `uint8` in C order, which
 * `readNpy` reads. Users' arrays may have other types and orders; for these, `npyPieces` gives the
 * header and the bytes piece by piece.
 *
 * A compressed file is inflated as a stream straight into its final array, so reading needs the
 * array and a few hundred kilobytes. It is always read to its end, where gzip stores the checksum.
 * Memory grows only as bytes arrive, whatever size the header claims.
 *
 * Reference: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays".
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { FisherlabError } from '../errors';

export interface NpyArray {
  /** As the file says: [N, …]. */
  readonly shape: readonly number[];
  /** The number of rows in `data`: N, or fewer if there is a limit. */
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

export interface NpyHeader {
  /** The type as NumPy writes it: `|u1`, `<f4`. */
  readonly type: string;
  /** How many bytes a number has. */
  readonly bytes: number;
  /** Whether the first dimension varies fastest, instead of the last. */
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Where the numbers start, in bytes. */
  readonly start: number;
}

/**
 * Parses the header; null while `head` is too short.
 * @throws {Error} if it is not the header of such an array
 */
export function parseNpyHeader(head: Buffer): NpyHeader | null {
  if (head.length < 12) return null;
  if (head.toString('latin1', 0, 6) !== MAGIC)
    throw new Error('it does not start as a .npy file does');
  const wide = head.readUInt8(6) > 1;
  const start = (wide ? 12 : 10) + (wide ? head.readUInt32LE(8) : head.readUInt16LE(8));
  if (start > 65536) throw new Error('its .npy header is too long');
  if (head.length < start) return null;
  const text = head.toString('latin1', wide ? 12 : 10, start);
  const [, type, bytes] = /'descr': *'([|<>=][a-zA-Z](\d+))'/.exec(text) ?? [];
  if (type === undefined || !(Number(bytes) >= 1))
    throw new Error('its .npy header names no plain type of numbers');
  const order = /'fortran_order': *(True|False)/.exec(text)?.[1];
  if (order === undefined) throw new Error('its .npy header names no order');
  const dimensions = /'shape': *\(([^)]*)\)/.exec(text)?.[1];
  const shape = (dimensions ?? '')
    .split(',')
    .flatMap((part) => (part.trim() === '' ? [] : [Number(part)]));
  if (shape.length === 0 || shape.some((n) => !Number.isSafeInteger(n) || n < 0))
    throw new Error('its .npy header has no shape');
  return { type, bytes: Number(bytes), fortran: order === 'True', shape, start };
}

/** Like `parseNpyHeader`, but also throws if it is not a uint8 array in C order. */
export function parseUint8Header(head: Buffer): NpyHeader | null {
  const header = parseNpyHeader(head);
  if (header !== null && header.type.slice(1) !== 'u1')
    throw new Error('its numbers are not uint8');
  if (header?.fortran) throw new Error('its numbers are in Fortran order');
  return header;
}

/**
 * Yields the header of a file with each piece of the data as it is read (at least one piece, which
 * may be empty). A file whose name ends in `.gz` is inflated.
 * @throws {Error} if it cannot be read, is damaged, or does not match its header
 */
export async function* npyPieces(
  file: string,
  parse: (head: Buffer) => NpyHeader | null = parseNpyHeader,
): AsyncGenerator<{ header: NpyHeader; piece: Buffer }> {
  const packed = file.toLowerCase().endsWith('.gz');
  // Deflate compresses at most 1032-fold, so a header that promises more is wrong.
  const most = (await stat(file)).size * (packed ? 1032 : 1);
  const raw = createReadStream(file, { highWaterMark: CHUNK });
  const stream = packed ? raw.pipe(createGunzip({ chunkSize: CHUNK })) : raw;
  raw.on('error', (error) => stream.destroy(error));
  let head = Buffer.alloc(0);
  let header: NpyHeader | null = null;
  let [seen, total] = [0, 0];
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      let piece = chunk;
      if (header === null) {
        head = Buffer.concat([head, piece]);
        header = parse(head);
        if (header === null) continue;
        total = header.shape.reduce((a, b) => a * b, header.bytes);
        if (total > most) throw new Error('its header promises more than the file holds');
        piece = head.subarray(header.start);
      }
      seen += piece.length;
      yield { header, piece };
    }
  } finally {
    raw.destroy();
  }
  if (header === null) throw new Error('it ends within its header');
  if (seen !== total) {
    const [holds, says] = [seen / header.bytes, total / header.bytes];
    throw new Error(`it holds ${holds} numbers where its header says ${says}`);
  }
}

/**
 * Reads a uint8 `.npy` or `.npy.gz` (by the end of its name), at most its first `limit` rows.
 * @throws {FisherlabError} if the file is truncated, damaged or of another type; the message names
 *   `label`
 */
export async function readNpy(
  file: string,
  label: string,
  limit = Number.POSITIVE_INFINITY,
): Promise<NpyArray> {
  try {
    let array: NpyArray | undefined;
    let seen = 0;
    for await (const { header, piece } of npyPieces(file, parseUint8Header)) {
      array ??= room(header.shape, limit);
      const { data } = array;
      if (seen < data.length) data.set(piece.subarray(0, data.length - seen), seen);
      seen += piece.length;
    }
    return array as NpyArray;
  } catch (error) {
    throw unreadable(label, error);
  }
}

function room(shape: readonly number[], limit: number): NpyArray {
  const [count = 0, ...rest] = shape;
  const rows = Math.min(limit, count);
  return { shape, rows, data: new Uint8Array(rows * rest.reduce((a, b) => a * b, 1)) };
}

/**
 * Reads ranges of numbers of a uint8 `.npy` or `.npy.gz`, one after another. The file is read only
 * to the end of the last range.
 * @param ranges in ascending order, `to` exclusive
 * @throws {FisherlabError} as `readNpy` does
 */
export async function* npyRanges(
  file: string,
  label: string,
  ranges: readonly { readonly from: number; readonly to: number }[],
): AsyncGenerator<Uint8Array> {
  let [next, seen] = [0, 0];
  let values: Uint8Array | undefined;
  try {
    for await (const { header, piece } of npyPieces(file, parseUint8Header)) {
      const end = seen + piece.length;
      for (; next < ranges.length; next++, values = undefined) {
        const { from, to } = ranges[next] as (typeof ranges)[number];
        values ??= new Uint8Array(to - from);
        const [first, last] = [Math.max(from, seen), Math.min(to, end)];
        if (first < last) values.set(piece.subarray(first - seen, last - seen), first - from);
        if (to > end) break;
        yield values;
      }
      seen = end;
      const total = header.shape.reduce((a, b) => a * b, 1);
      if (next === ranges.length && seen < total) return;
    }
  } catch (error) {
    throw unreadable(label, error);
  }
}

/**
 * The shape in the header of a `.npy` or `.npy.gz`; only the first bytes are read.
 * @throws {FisherlabError} if the header is damaged or of another type; the message names `label`
 */
export async function npyShape(file: string, label: string): Promise<readonly number[]> {
  try {
    for await (const { header } of npyPieces(file, parseUint8Header)) return header.shape;
    return [];
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
