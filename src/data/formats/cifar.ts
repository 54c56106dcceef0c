/**
 * # CIFAR-10 and CIFAR-100, binary version
 *
 * A gzipped tar of files of records: one byte of label (CIFAR-100: two, coarse and fine; the fine
 * one is kept), then 3072 of pixels, the 32x32 red ones first, then green, blue.
 *
 * Reference: A. Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html
 */
import { type Converter, nth, numbered } from './portion';
import { readTar } from './tar-archive';

const PLANE = 32 * 32;
const PIXELS = 3 * PLANE;
/** The number of files of CIFAR-10's training set. */
const BATCHES = 5;
/** CIFAR-100's training file has 153,700,000 bytes. */
const MOST = 160_000_000;

export const cifar: Converter = async function* (files, split) {
  const ten = split === 'train' ? /(^|\/)data_batch_\d\.bin$/ : /(^|\/)test_batch\.bin$/;
  const hundred = split === 'train' ? /(^|\/)train\.bin$/ : /(^|\/)test\.bin$/;
  const found = await readTar(
    nth(files, 0),
    new RegExp(`${ten.source}|${hundred.source}`),
    MOST,
    MOST,
  );
  const names = [...found.keys()];
  const batches = names.some((name) => ten.test(name)) && split === 'train' ? BATCHES : 1;
  for (const name of numbered(names, /_(\d)\.bin$/, batches)) {
    yield records(found.get(name) as Buffer, name, hundred.test(name) ? 2 : 1);
  }
};

/** Turns records of `head` label bytes and three planes into pixels with the channel last. */
function records(bytes: Buffer, name: string, head: number) {
  const record = head + PIXELS;
  if (bytes.length === 0 || bytes.length % record !== 0)
    throw new Error(`'${name}' has ${bytes.length} bytes, not a multiple of ${record}`);
  const count = bytes.length / record;
  const images = new Uint8Array(count * PIXELS); // [n, 32, 32, 3]
  const labels = new Uint8Array(count);
  for (let n = 0; n < count; n++) {
    labels[n] = bytes[n * record + head - 1] as number;
    planesToPixels(bytes, n * record + head, images, n * PIXELS);
  }
  return { images, labels };
}

/** Copies one image [3, 32, 32] at `from` in `source` to [32, 32, 3] at `to` in `target`. */
export function planesToPixels(
  source: Uint8Array,
  from: number,
  target: Uint8Array,
  to: number,
): void {
  for (let i = 0; i < PLANE; i++) {
    for (let c = 0; c < 3; c++) target[to + i * 3 + c] = source[from + c * PLANE + i] as number;
  }
}
