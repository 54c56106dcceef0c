/**
 * # Safetensors
 *
 * The open format for weights (Hugging Face, https://github.com/huggingface/safetensors): 8 bytes
 * little-endian length n, n bytes of JSON
 *
 *     { name: { dtype, shape, data_offsets: [start, end] }, …, __metadata__: { string: string } }
 *
 * then the numbers, little-endian, row-major, at offsets counted from the end of the JSON. Read
 * here are all its types of numbers that PyTorch models hold (their values as float32); written are
 * F32, F16 for shipped weights, and I64 for PyTorch's counters. As the format demands, the numbers
 * must lie one behind the other and fill the file, so that a file that was cut or altered in its
 * structure is found out before any of it is used. That a number was altered the format cannot
 * tell, so what is written here carries a seal, `sha256` in its metadata: the SHA-256 of the file
 * as it would be without the seal.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeBeside } from '../backend/index';
import { FisherlabError } from '../errors';

export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Row-major; as many as the shape holds. */
  readonly values: Float32Array;
  /** How it is written; F32 where left out. What is read does not say. */
  readonly stored?: 'F32' | 'F16' | 'I64';
}

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  /** Without the seal. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * SHA-256 of the file as it is without its seal: files of the same content have the same, sealed
   * or not.
   */
  readonly checksum: string;
}

/** Bytes of a number of each type. */
const BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
} as const;
type Dtype = keyof typeof BYTES;

interface Entry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/**
 * The bytes of a file with these tensors.
 * @throws FisherlabError where values do not fill a shape, or one that is to be stored as F16 is
 *   finite and beyond ±65504
 */
export function encodeSafetensors(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const header: Header = { __metadata__: metadata };
  let offset = 0;
  const places = tensors.map(({ name, shape, values, stored = 'F32' }) => {
    if (sizeOf(shape) !== values.length)
      throw new FisherlabError(
        `tensor '${name}' has ${values.length} values`,
        `its shape is [${shape.join(', ')}]`,
      );
    const start = offset;
    offset += BYTES[stored] * values.length;
    header[name] = { dtype: stored, shape, data_offsets: [start, offset] };
    return start;
  });
  const sealed = (sha256: string) => opening({ ...header, __metadata__: { ...metadata, sha256 } });
  const begin = sealed('0'.repeat(64)).length;
  const bytes = new Uint8Array(begin + offset);
  tensors.forEach((tensor, k) => {
    write(new DataView(bytes.buffer, begin + (places[k] as number)), tensor);
  });
  bytes.set(sealed(checksum(opening(header), bytes.subarray(begin))));
  return bytes;
}

type Header = Record<string, unknown> & { readonly __metadata__: Readonly<Record<string, string>> };

/**
 * All that stands before the numbers: length and JSON, padded with spaces so that they begin at a
 * multiple of 8.
 */
function opening(header: object): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const bytes = Buffer.alloc(8 + 8 * Math.ceil(json.length / 8), ' ');
  bytes.writeBigUInt64LE(BigInt(bytes.length - 8));
  bytes.set(json, 8);
  return bytes;
}

function checksum(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function write(view: DataView, { name, values, stored = 'F32' }: NamedTensor): void {
  if (stored === 'F32') {
    for (let k = 0; k < values.length; k++) view.setFloat32(4 * k, values[k] as number, true);
  } else if (stored === 'I64') {
    for (let k = 0; k < values.length; k++)
      view.setBigInt64(8 * k, BigInt(Math.round(values[k] as number)), true);
  } else {
    for (let k = 0; k < values.length; k++) {
      const value = values[k] as number;
      if (Math.abs(value) > 65504 && Number.isFinite(value))
        throw new FisherlabError(
          `tensor '${name}' holds ${value}`,
          'half precision ends at 65504: save it as float32',
        );
      view.setUint16(2 * k, toHalf(value), true);
    }
  }
}

/** Writes a file of these tensors, whole or not at all. */
export async function writeSafetensors(
  path: string,
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  await writeBeside(path, encodeSafetensors(tensors, metadata));
}

/**
 * Reads a file.
 * @throws {FisherlabError} if it is missing, truncated, altered since it was written here, or no
 *   safetensors file
 */
export function readSafetensors(path: string): SafetensorsFile {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new FisherlabError(`file '${path}' cannot be read`, 'check the path');
  }
  return decodeSafetensors(bytes, path);
}

/** As {@link readSafetensors}, of bytes; `path` is for the errors. */
export function decodeSafetensors(bytes: Buffer, path: string): SafetensorsFile {
  const damaged = (what: string) =>
    new FisherlabError(`'${path}' is damaged: ${what}`, 'restore the file from where it came from');
  const { header, entries, begin } = readHeader(bytes, damaged);
  let filled = 0;
  for (const [name, { dtype, shape, start, end }] of [...entries].sort(
    ([, a], [, b]) => a.start - b.start || a.end - b.end,
  )) {
    if (end - start !== sizeOf(shape) * BYTES[dtype])
      throw damaged(
        `tensor '${name}' has ${end - start} bytes for [${shape.join(', ')}] of ${dtype}`,
      );
    if (start !== filled)
      throw damaged(`tensor '${name}' does not begin where the one before it ends`);
    filled = end;
    if (begin + end > bytes.length) throw damaged(`it ends before tensor '${name}' does`);
  }
  if (begin + filled !== bytes.length)
    throw damaged(`${bytes.length - begin - filled} bytes at its end belong to no tensor`);
  const { sha256: seal, ...metadata } = header.__metadata__;
  const found =
    seal === undefined
      ? checksum(bytes)
      : checksum(opening({ ...header, __metadata__: metadata }), bytes.subarray(begin));
  if (seal !== undefined && seal !== found)
    throw damaged(`it was altered, its SHA-256 is ${found}, not ${seal}`);
  const tensors = new Map<string, NamedTensor>();
  for (const [name, { dtype, shape, start, end }] of entries) {
    tensors.set(name, {
      name,
      shape,
      values: decode(bytes.subarray(begin + start, begin + end), dtype),
    });
  }
  return { tensors, metadata, checksum: found };
}

function readHeader(
  bytes: Buffer,
  damaged: (what: string) => FisherlabError,
): { header: Header; entries: [string, Entry][]; begin: number } {
  if (bytes.length < 8) throw damaged('it is shorter than its header');
  const begin = 8 + Number(bytes.readBigUInt64LE(0));
  if (begin > bytes.length) throw damaged('it is shorter than its header, or no safetensors file');
  let header: unknown;
  try {
    header = JSON.parse(bytes.toString('utf8', 8, begin));
  } catch {
    throw damaged('its header is not JSON');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw damaged('its header is no JSON object');
  const { __metadata__: metadata = {}, ...rest } = header as Record<
    string,
    Record<string, unknown>
  >;
  if (!isTexts(metadata)) throw damaged('its metadata are not texts by name');
  const entries = Object.entries(rest).map(([name, entry]): [string, Entry] => {
    const { dtype, shape, data_offsets: offsets } = entry ?? {};
    if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2)
      throw damaged(`its header says no shape or place of '${name}'`);
    if (typeof dtype !== 'string' || !Object.hasOwn(BYTES, dtype)) {
      throw new FisherlabError(
        `tensor '${name}' is of type ${dtype}`,
        `store it as one of ${Object.keys(BYTES).join(', ')}`,
      );
    }
    return [
      name,
      { dtype: dtype as Dtype, shape, start: offsets[0] as number, end: offsets[1] as number },
    ];
  });
  return { header: { ...header, __metadata__: metadata } as Header, entries, begin };
}

function isTexts(x: unknown): x is Record<string, string> {
  return (
    typeof x === 'object' &&
    x !== null &&
    Object.values(x).every((value) => typeof value === 'string')
  );
}

function isCounts(x: unknown): x is number[] {
  return Array.isArray(x) && x.every((value) => Number.isSafeInteger(value) && value >= 0);
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

/**
 * The numbers in `bytes` as float32. The copy begins at a multiple of 8, as typed arrays want it
 * (and are little-endian on every machine that TensorFlow.js runs on).
 */
function decode(bytes: Buffer, dtype: Dtype): Float32Array {
  const { buffer } = Uint8Array.from(bytes);
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer);
    case 'F64':
      return Float32Array.from(new Float64Array(buffer));
    case 'F16':
      return Float32Array.from(new Uint16Array(buffer), fromHalf);
    case 'BF16': // the upper half of a float32
      return new Float32Array(
        Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer,
      );
    case 'I64':
      return Float32Array.from(new BigInt64Array(buffer), Number);
    case 'U64':
      return Float32Array.from(new BigUint64Array(buffer), Number);
    case 'I32':
      return Float32Array.from(new Int32Array(buffer));
    case 'U32':
      return Float32Array.from(new Uint32Array(buffer));
    case 'I16':
      return Float32Array.from(new Int16Array(buffer));
    case 'U16':
      return Float32Array.from(new Uint16Array(buffer));
    case 'I8':
      return Float32Array.from(new Int8Array(buffer));
    default:
      return Float32Array.from(new Uint8Array(buffer));
  }
}

/** IEEE 754 binary16 to a number. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** A number to IEEE 754 binary16, rounded to nearest, ties to even. */
export function toHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | roundToEven(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  // A fraction that rounds up to 2 carries into the exponent by itself.
  return sign | (((exponent + 14) << 10) + roundToEven((size / 2 ** exponent) * 1024));
}

function roundToEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}
