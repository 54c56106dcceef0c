/**
 * # Images in a NumPy array
 *
 * An array in C order is read image by image, so only one image is in memory at a time. In Fortran
 * order the images are interleaved, so the array is read as a whole. uint8 is taken as it is.
 * Whether other numbers range over 0…1 or 0…255 cannot be seen from them (a dark picture in 0…255
 * may have only values below 1), so the user must say it. Values outside that range are an error;
 * they are not clipped.
 *
 * The file is read to its end, to check its length and, if it is compressed, its checksum. A
 * damaged array gives no images.
 */
import { FisherlabError } from '../../errors';
import type { Raster } from '../formats/resize';
import { type NpyHeader, npyPieces } from '../npy';
import { type Arrangement, type Axis, arrangement, type Layout } from './array-layout';
import { assertSize, Unusable } from './unusable';

export const VALUES = ['0..1', '0..255'] as const;
export type Values = (typeof VALUES)[number];

export interface ArrayOptions {
  readonly layout?: Layout | undefined;
  /** The range of numbers other than uint8. */
  readonly values?: Values | undefined;
  /** The number of channels that the model takes. */
  readonly channels: number;
}

/** One image of an array, or why it cannot be used. */
export interface ArrayImage {
  /** Its index in the array; absent if the layout has no N. */
  readonly index?: number;
  readonly raster: Raster | Unusable;
  /** The type and range of the values, if they were not uint8. */
  readonly values?: string;
}

/** Fortran order needs the whole array in memory. */
const MOST_INTERLEAVED = 2 ** 31;

/** NumPy's names of the types, without the byte order. */
const TYPES = {
  u1: ['uint8', Uint8Array],
  i1: ['int8', Int8Array],
  b1: ['bool', Uint8Array],
  u2: ['uint16', Uint16Array],
  i2: ['int16', Int16Array],
  u4: ['uint32', Uint32Array],
  i4: ['int32', Int32Array],
  u8: ['uint64', BigUint64Array],
  i8: ['int64', BigInt64Array],
  f4: ['float32', Float32Array],
  f8: ['float64', Float64Array],
} as const;

/**
 * The images of a `.npy` or `.npy.gz`, one after another.
 * @throws {Unusable} if the array cannot be read or holds no images; then ignore the images yielded
 *   before
 * @throws {FisherlabError} if its shape or its values are ambiguous and no option decides
 */
export async function* ownArray(file: string, options: ArrayOptions): AsyncGenerator<ArrayImage> {
  try {
    let reader: Reader | undefined;
    for await (const { header, piece } of npyPieces(file)) {
      reader ??= readerOf(file, header, options);
      yield* reader(piece);
    }
  } catch (error) {
    if (error instanceof Unusable || error instanceof FisherlabError) throw error;
    const reason = (error as Error).message;
    throw new Unusable(`cannot be read as an array: ${reason}`, 'save it again with numpy.save');
  }
}

/** Takes bytes as they are read and yields the images that they complete. */
type Reader = (piece: Buffer) => Generator<ArrayImage>;

function readerOf(file: string, header: NpyHeader, options: ArrayOptions): Reader {
  const { type, bytes, fortran, shape } = header;
  const { values, channels, layout } = options;
  const order = arrangement(file, shape, fortran, channels, layout);
  const { N, H, W, C } = order;
  assertSize(H.length, W.length);
  if (N.length === 0) throw new Unusable('has no images', 'give at least one');
  const known = TYPES[type.slice(1) as keyof typeof TYPES];
  if (known === undefined)
    throw new Unusable(`has numbers of type ${type}`, 'save it as uint8 or float32');
  const [name, Numbers] = known;
  if (name !== 'uint8' && values === undefined)
    throw new FisherlabError(
      `'${file}' has numbers of type ${name}, and the range from black to white is unknown`,
      `give the values: ${VALUES.join(' or ')}`,
    );
  const at = fortran ? N.length * H.length * W.length * C.length : H.length * W.length * C.length;
  if (at * bytes > MOST_INTERLEAVED)
    throw new Unusable(
      `needs ${at * bytes} bytes at once${fortran ? ' in Fortran order' : ''}`,
      fortran ? 'save numpy.ascontiguousarray of it' : 'make its images smaller',
    );

  const block = new Uint8Array(at * bytes);
  let [filled, done] = [0, 0];
  return function* (piece) {
    let rest = piece;
    while (rest.length > 0 && done < N.length) {
      const part = rest.subarray(0, block.length - filled);
      block.set(part, filled);
      filled += part.length;
      rest = rest.subarray(part.length);
      if (filled < block.length) return;
      filled = 0;
      if (type.startsWith('>')) swapped(block, bytes);
      const numbers = new Numbers(block.buffer);
      const count = fortran ? N.length : 1;
      for (let n = 0; n < count; n++, done++) {
        yield {
          ...(order.layout.startsWith('N') ? { index: done } : {}),
          raster: image(numbers, n * N.stride, order, name === 'uint8' ? undefined : values),
          ...(name === 'uint8' ? {} : { values: `${name} in ${values}` }),
        };
      }
    }
  };
}

/** Reverses the bytes of each number, in place. */
function swapped(block: Uint8Array, bytes: number): void {
  for (let i = 0; i < block.length; i += bytes) block.subarray(i, i + bytes).reverse();
}

/** One image as 8-bit pixels, channel last. */
function image(
  numbers: ArrayLike<number | bigint>,
  start: number,
  { H, W, C }: Arrangement,
  values: Values | undefined,
): Raster | Unusable {
  const data = new Uint8Array(H.length * W.length * C.length); // [H, W, C]
  const scale = values === '0..1' ? 255 : 1;
  let at = 0;
  for (const y of along(H, start))
    for (const x of along(W, y))
      for (const c of along(C, x)) {
        const value = Number(numbers[c]);
        const pixel = Math.round(scale * value);
        if (values !== undefined && !(scale * value >= 0 && scale * value <= 255))
          return new Unusable(
            `has the value ${value}, which is not in ${values}`,
            'scale it, or give another range',
          );
        data[at++] = pixel;
      }
  return { data, height: H.length, width: W.length, channels: C.length };
}

function* along({ length, stride }: Axis, start: number): Generator<number> {
  for (let i = 0; i < length; i++) yield start + i * stride;
}
