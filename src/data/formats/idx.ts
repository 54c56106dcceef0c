/**
 * # IDX, the format of MNIST and its relatives
 *
 * Two zero bytes, one for the type (8 = uint8), one for the number of dimensions, each dimension as
 * a big-endian 32-bit number, then the numbers; all gzipped.
 *
 * The files of EMNIST come in a zip; its images are transposed and its letters are counted from 1.
 * Here they are made upright and counted from 0.
 *
 * References: Y. LeCun, C. Cortes, C. Burges, http://yann.lecun.com/exdb/mnist/; Cohen et al. 2017,
 * EMNIST.
 */
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { type Converter, nth } from './portion';
import { Zip } from './zip';

const SIDE = 28;
const PIXELS = SIDE * SIDE;
/** EMNIST letters' 124,800 training images have 97,843,216 bytes. */
const MOST = 128 << 20;

/** The dimensions and numbers of gzipped IDX bytes. */
export function parseIdx(
  packed: Buffer,
  dimensions: number,
): { shape: number[]; data: Uint8Array } {
  const bytes = gunzipSync(packed, { maxOutputLength: MOST });
  if (
    bytes.length < 4 + 4 * dimensions ||
    bytes.readUInt16BE(0) !== 0 ||
    bytes[2] !== 8 ||
    bytes[3] !== dimensions
  ) {
    throw new Error(`it is not an IDX file of ${dimensions}-dimensional uint8`);
  }
  const shape = Array.from({ length: dimensions }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  const data = bytes.subarray(4 + 4 * dimensions);
  const expected = shape.reduce((a, b) => a * b, 1);
  if (data.length !== expected)
    throw new Error(`it holds ${data.length} numbers where its IDX header says ${expected}`);
  return { shape, data };
}

function together(packedImages: Buffer, packedLabels: Buffer) {
  const images = parseIdx(packedImages, 3);
  const labels = parseIdx(packedLabels, 1);
  const [count, height, width] = images.shape;
  if (height !== SIDE || width !== SIDE)
    throw new Error(`its images are ${height}x${width}, not ${SIDE}x${SIDE}`);
  if (labels.shape[0] !== count)
    throw new Error(`it has ${labels.shape[0]} labels for ${count} images`);
  return { images: images.data, labels: labels.data };
}

export const idx: Converter = async function* (files) {
  yield together(await readFile(nth(files, 0)), await readFile(nth(files, 1)));
};

export const emnist: Converter = async function* (files, split) {
  const zip = await Zip.open(nth(files, 0));
  try {
    const read = (part: string) =>
      zip.read(
        nth(zip.names(new RegExp(`(^|/)emnist-letters-${split}-${part}-ubyte\\.gz$`)), 0),
        MOST,
      );
    const { images, labels } = together(await read('images-idx3'), await read('labels-idx1'));
    yield { images: transposed(images), labels: labels.map((letter) => letter - 1) };
  } finally {
    zip.close();
  }
};

/** Rows and columns exchanged in each image. */
function transposed(images: Uint8Array): Uint8Array {
  const out = new Uint8Array(images.length); // [N, 28, 28, 1]
  for (let i = 0; i < images.length; i++) {
    const inside = i % PIXELS;
    out[i - inside + (inside % SIDE) * SIDE + Math.floor(inside / SIDE)] = images[i] as number;
  }
  return out;
}
