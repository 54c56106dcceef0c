/**
 * # Safetensors
 *
 * The open format for weights (Hugging Face, https://github.com/huggingface/safetensors): 8 bytes
 * little-endian length n, n bytes of JSON
 *
 *     { name: { dtype, shape, data_offsets: [start, end] }, …, __metadata__: { string: string } }
 *
 * then the numbers, little-endian, row-major, at offsets counted from the end of the JSON. All
 * types of numbers that PyTorch models hold can be read (as float32); F32, F16 for shipped weights,
 * and I64 for PyTorch's counters can be written. As the format demands, the numbers must lie one
 * behind the other and fill the file, so a file that was cut or whose structure was altered is
 * refused before any of it is used. The format cannot tell that a number was altered. So the files
 * written here carry a seal, `sha256` in the metadata: the SHA-256 of the file without the seal.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import * as v from 'valibot';
import { at, writeBeside } from '../backend/index';
import { FisherlabError } from '../errors';
import {
  BYTES,
  type Dtype,
  decodeNumbers,
  encodeNumbers,
  isDtype,
  type StoredType,
} from './stored-numbers';
import { refuseOtherKinds } from './weights-kind';

export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Row-major; as many as the shape holds. */
  readonly values: Float32Array;
  /** How it is written; F32 where left out. What is read does not say. */
  readonly stored?: StoredType;
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

const OBJECT = v.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);
const TEXTS = v.record(v.string(), v.string());
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** What the header says of a tensor. */
const PLACE = v.object({
  dtype: v.unknown(),
  shape: v.array(whole),
  data_offsets: v.strictTuple([whole, whole]),
});

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
  tensors.forEach(({ name, values, stored = 'F32' }, k) => {
    encodeNumbers(new DataView(bytes.buffer, begin + at(places, k)), values, stored, name);
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

/**
 * The metadata of a file, without the seal. The numbers are not read, so the seal is not checked.
 * @throws {FisherlabError} if the file is missing, or its header is damaged
 */
export function readMetadata(path: string): Readonly<Record<string, string>> {
  const damaged = damage(path);
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    throw new FisherlabError(`file '${path}' cannot be read`, 'check the path');
  }
  try {
    const length = Buffer.alloc(8);
    readSync(file, length, 0, 8, 0);
    const end = 8 + Number(length.readBigUInt64LE());
    if (end > fstatSync(file).size) throw damaged('it is shorter than its header');
    const bytes = Buffer.alloc(end);
    readSync(file, bytes, 0, end, 0);
    const { sha256: _, ...metadata } = readHeader(bytes, damaged).header.__metadata__;
    return metadata;
  } finally {
    closeSync(file);
  }
}

const damage = (path: string) => (what: string) =>
  new FisherlabError(`'${path}' is damaged: ${what}`, 'restore the file from where it came from');

/** As {@link readSafetensors}, of bytes; `path` is for the errors. */
export function decodeSafetensors(bytes: Buffer, path: string): SafetensorsFile {
  refuseOtherKinds(bytes, path);
  const damaged = damage(path);
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
      values: decodeNumbers(bytes.subarray(begin + start, begin + end), dtype),
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
  const json = bytes.toString('utf8', 8, begin);
  let header: unknown;
  try {
    header = JSON.parse(json);
  } catch {
    throw damaged('its header is not JSON');
  }
  const twice = repeatedKey(json);
  if (twice !== undefined) throw damaged(`its header names '${twice}' twice`);
  if (!v.is(OBJECT, header)) throw damaged('its header is no JSON object');
  const { __metadata__: metadata = {}, ...rest } = header;
  if (!v.is(TEXTS, metadata)) throw damaged('its metadata are not texts by name');
  const entries = Object.entries(rest).map(([name, entry]): [string, Entry] => {
    if (!v.is(PLACE, entry)) throw damaged(`its header says no shape or place of '${name}'`);
    const { dtype, shape, data_offsets } = entry;
    const [start, end] = data_offsets;
    if (!isDtype(dtype)) {
      throw new FisherlabError(
        `tensor '${name}' is of type ${dtype}`,
        `store it as one of ${Object.keys(BYTES).join(', ')}`,
      );
    }
    return [name, { dtype, shape, start, end }];
  });
  return { header: { ...header, __metadata__: metadata }, entries, begin };
}

/** A key that occurs twice in a JSON object; JSON.parse would silently keep the last one. */
function repeatedKey(json: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (const [, text, colon, bracket] of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|([{}[\]])/g)) {
    if (bracket !== undefined) depth += bracket === '{' || bracket === '[' ? 1 : -1;
    if (depth !== 1 || text === undefined || colon === undefined) continue;
    const key = JSON.parse(text) as string;
    if (seen.has(key)) return key;
    seen.add(key);
  }
  return undefined;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}
