/**
 * # The part of MATLAB 5 files that SVHN uses
 *
 * A header of 128 bytes that ends in `IM` (little-endian), then elements: a tag (type, length) and
 * that many bytes, padded to eight; a tag whose upper half is not zero is *small*, with up to four
 * bytes in itself. A variable is an element of type matrix (14), usually compressed by zlib (15),
 * and contains four elements: flags, dimensions, name, numbers. The first dimension varies fastest.
 * Only uint8, and doubles that are whole numbers below 256, are read. We found no typed and
 * maintained reader on npm, and the part that SVHN uses is short.
 *
 * Reference: MathWorks, MAT-File Format, "Level 5 MAT-files".
 */
import { inflateSync } from 'node:zlib';

export interface MatArray {
  readonly dimensions: readonly number[];
  /** In MATLAB's order: the first dimension runs fastest. */
  readonly data: Uint8Array;
}

const UINT8 = 2;
const DOUBLE = 9;
const MATRIX = 14;
const COMPRESSED = 15;

/** The variables of a file, by name. `most` bounds what all of them may inflate to, in bytes. */
export function parseMat5(file: Buffer, most: number): Map<string, MatArray> {
  if (file.length < 128 || file.toString('latin1', 126, 128) !== 'IM')
    throw new Error('it is not a little-endian MATLAB 5 file');
  const found = new Map<string, MatArray>();
  let room = most;
  for (const { type, body } of elements(file.subarray(128), false)) {
    const matrix =
      type === COMPRESSED ? first(inflateSync(body, { maxOutputLength: room })) : { type, body };
    if (type === COMPRESSED) room = Math.max(1, room - matrix.body.length);
    if (matrix.type !== MATRIX) continue;
    const { name, array } = variable(matrix.body);
    if (found.has(name)) throw new Error(`the MATLAB file has two variables '${name}'`);
    found.set(name, array);
  }
  return found;
}

interface Element {
  readonly type: number;
  readonly body: Buffer;
}

/**
 * The elements that follow one another in `bytes`; those within a matrix are padded to eight bytes.
 */
function* elements(bytes: Buffer, padded: boolean): Generator<Element> {
  let at = 0;
  while (at + 8 <= bytes.length) {
    const word = bytes.readUInt32LE(at);
    const small = word >>> 16;
    const length = small > 0 ? small : bytes.readUInt32LE(at + 4);
    const start = small > 0 ? at + 4 : at + 8;
    if (small > 4 || start + length > bytes.length)
      throw new Error('the MATLAB file ends within a variable');
    yield { type: small > 0 ? word & 0xffff : word, body: bytes.subarray(start, start + length) };
    at = small > 0 ? at + 8 : start + (padded ? Math.ceil(length / 8) * 8 : length);
  }
}

function first(bytes: Buffer): Element {
  const { value } = elements(bytes, false).next();
  if (value === undefined) throw new Error('the MATLAB file has an empty variable');
  return value as Element;
}

function variable(bytes: Buffer): { name: string; array: MatArray } {
  const [flags, shape, name, numbers] = elements(bytes, true);
  if (flags === undefined || shape === undefined || name === undefined || numbers === undefined)
    throw new Error('a MATLAB variable lacks a part');
  const dimensions = Array.from({ length: shape.body.length / 4 }, (_, i) =>
    shape.body.readInt32LE(4 * i),
  );
  const data = bytesOf(numbers);
  if (data.length !== dimensions.reduce((a, b) => a * b, 1))
    throw new Error(`a MATLAB variable has ${data.length} numbers for [${dimensions.join(', ')}]`);
  return { name: name.body.toString('latin1'), array: { dimensions, data } };
}

function bytesOf({ type, body }: Element): Uint8Array {
  if (type === UINT8) return body;
  if (type !== DOUBLE) throw new Error(`MATLAB numbers of type ${type} are not read here`);
  const values = Array.from({ length: body.length / 8 }, (_, i) => body.readDoubleLE(8 * i));
  if (values.some((value) => !Number.isInteger(value) || value < 0 || value > 255))
    throw new Error('MATLAB numbers do not fit in a byte');
  return Uint8Array.from(values);
}
