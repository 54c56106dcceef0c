/**
 * # Numbers as files store them
 *
 * In memory all weights are float32. Any of PyTorch's types of numbers can be read; F32, F16 for
 * shipped weights, and I64 for counters can be written. Half precision is IEEE 754 binary16: a
 * sign, 5 bits of exponent, 10 of fraction; the largest number is 65504, the smallest 2⁻²⁴.
 */
import { FisherlabError } from '../errors';
import { lazily } from '../lazily';

/** Bytes of a number of each type. */
export const BYTES = {
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
export type Dtype = keyof typeof BYTES;

/** Whether it is a type that is read. */
export function isDtype(type: unknown): type is Dtype {
  return typeof type === 'string' && Object.hasOwn(BYTES, type);
}

/** The types that are written. */
export type StoredType = 'F32' | 'F16' | 'I64';

/**
 * Writes float32 numbers as one of the types that are written.
 * @param name of their tensor, for the error
 * @throws {FisherlabError} if one is finite and beyond what half precision holds
 */
export function encodeNumbers(
  view: DataView,
  values: Float32Array,
  stored: StoredType,
  name: string,
): void {
  if (stored === 'F32') {
    values.forEach((value, k) => {
      view.setFloat32(4 * k, value, true);
    });
  } else if (stored === 'I64') {
    values.forEach((value, k) => {
      view.setBigInt64(8 * k, BigInt(Math.round(value)), true);
    });
  } else {
    values.forEach((value, k) => {
      if (Math.abs(value) > 65504 && Number.isFinite(value))
        throw new FisherlabError(
          `tensor '${name}' holds ${value}`,
          'half precision ends at 65504: save it as float32',
        );
      view.setUint16(2 * k, toHalf(value), true);
    });
  }
}

/**
 * The numbers in `bytes` as float32. The copy begins at a multiple of 8, as typed arrays want it
 * (and are little-endian on every machine that TensorFlow.js runs on).
 */
export function decodeNumbers(bytes: Buffer, dtype: Dtype): Float32Array {
  const { byteOffset, length } = bytes;
  const buffer = bytes.buffer.slice(byteOffset, byteOffset + length);
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer);
    case 'F64':
      return Float32Array.from(new Float64Array(buffer));
    case 'F16':
      return halves(new Uint16Array(buffer));
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

/** There are no more halves than these: a model has a hundred times as many numbers. */
const everyHalf = lazily(() => Float32Array.from({ length: 65536 }, (_, bits) => fromHalf(bits)));

function halves(bits: Uint16Array): Float32Array {
  const known = everyHalf();
  const values = new Float32Array(bits.length);
  for (let k = 0; k < bits.length; k++) values[k] = known[bits[k] as number] as number;
  return values;
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
