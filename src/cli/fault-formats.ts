/**
 * # A sample file and a reader for every format
 *
 * For each format, a small intact file and the public function that reads such files. Pictures are
 * read as your own images. Archives are read as official data sets; their expected checksum is made
 * to fit the damaged file, because a set may also be damaged before it is published.
 */
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { crc32, gzipSync } from 'node:zlib';
import type { data } from '../index';
import { lab } from './lab';

/** A format, with functions that make an intact file and read one to its end. */
export interface Format {
  readonly name: string;
  /** The extension of its files. */
  readonly ending: string;
  /** The bytes of an intact file; `folder` may be written to. */
  readonly sample: (folder: string) => Promise<Buffer>;
  /**
   * Reads a file.
   * @throws {FisherlabError} if the file cannot be used
   */
  readonly read: (file: string) => Promise<unknown>;
}

const HEIGHT = 28;
const GREY = { height: 32, width: 32, channels: 1 } as const;
const COLOUR = { ...GREY, channels: 3 } as const;

const pixels = (n: number) =>
  Buffer.from(
    lab()
      .random.uniforms(1, n)
      .map((u) => Math.floor(256 * u)),
  );

function picture(ending: 'png' | 'jpeg' | 'webp' | 'tiff' | 'gif'): Format {
  return {
    name: ending,
    ending,
    sample: async () => {
      const { default: sharp } = await import('sharp');
      const raw = { width: 40, height: 30, channels: 3 } as const;
      return sharp(pixels(40 * 30 * 3), { raw })
        .toFormat(ending)
        .toBuffer();
    },
    read: (file) => lab().data.ownImages([file], COLOUR),
  };
}

/** Four images of 28x28 as IDX, or their labels. */
function idx(labels: boolean): Buffer {
  const shape = labels ? [4] : [4, HEIGHT, HEIGHT];
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.writeUInt8(8, 2);
  head.writeUInt8(shape.length, 3);
  shape.forEach((n, i) => {
    head.writeUInt32BE(n, 4 + 4 * i);
  });
  const body = labels ? Buffer.from([1, 2, 3, 4]) : pixels(4 * HEIGHT * HEIGHT);
  return gzipSync(Buffer.concat([head, body]));
}

/** MNIST's official test files, with four images. */
export const official = (): Record<string, Buffer> => ({
  'images.gz': idx(false),
  'labels.gz': idx(true),
});

/** A zip archive with uncompressed entries. */
function zip(entries: readonly (readonly [name: string, content: Buffer])[]): Buffer {
  const [files, directory]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const [name, content] of entries) {
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0); // the version needed to read it
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(content.length, 14);
    fields.writeUInt32LE(content.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    const file = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), content]);
    const from = Buffer.from([20, 0]);
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02'), from, fields, place, Buffer.from(name)]),
    );
    files.push(file);
    offset += file.length;
  }
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(Buffer.concat(directory).length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...files, ...directory, Buffer.from('PK\x05\x06'), end]);
}

/** A catalogue entry for a set with these official files at `url`. */
export function entryOf(
  name: data.DataSetName,
  official: Readonly<Record<string, Buffer>>,
  url: string,
): data.DataSet {
  const test = Object.entries(official).map(([file, content]) => ({
    url: `${url}/${file}`,
    md5: createHash('md5').update(content).digest('hex'),
  }));
  return { ...lab().data.dataSet(name), files: { test } };
}

/** Converts official files, one of which may be damaged, in a separate cache. */
async function convert(
  name: data.DataSetName,
  official: Readonly<Record<string, Buffer>>,
  folder: string,
): Promise<unknown> {
  const { data } = lab();
  process.env.XDG_CACHE_HOME = path.join(folder, 'cache');
  const files = Object.entries(official).map(([file, content]) => ({ file, content }));
  const from = files.map(({ file }) => path.join(folder, file));
  await Promise.all(files.map(({ content }, k) => writeFile(from[k] as string, content)));
  try {
    return await data.download(name, { from, entry: entryOf(name, official, 'http://127.0.0.1') });
  } finally {
    await rm(path.join(folder, 'cache'), { recursive: true, force: true });
  }
}

/** The first five tensors of a shipped model, as a small file. */
async function safetensors(folder: string): Promise<Buffer> {
  const { backend, models } = lab();
  const shipped = backend.inCheckout('data', 'models', 'vae-mnist.safetensors');
  const file = path.join(folder, 'five.safetensors');
  await models.writeSafetensors(
    file,
    [...models.readSafetensors(shipped).tensors.values()].slice(0, 5),
    {},
  );
  return readFile(file);
}

async function parquet(folder: string): Promise<Buffer> {
  const file = path.join(folder, 'table.parquet');
  const values = lab().random.uniforms(2, 300);
  const columns = [
    { feature: 'log-likelihood', values: Float64Array.from(values) },
    { feature: 'squared-norm', layer: 'a', size: 3, values: Float64Array.from(values) },
  ];
  const images = Array.from(values, (_, k) => k);
  const table = { rows: values.length, batchSize: 1, columns };
  await lab().features.writeTableFile(file, { model: 'a' }, [{ images, table }]);
  return readFile(file);
}

async function readParquet(file: string): Promise<number> {
  let rows = 0;
  const table = await lab().features.TableFile.open(file);
  for await (const piece of table.pieces()) rows += piece.table.rows;
  return rows;
}

/** All formats. */
export function formats(): Format[] {
  const folderOf = (file: string) => path.dirname(file);
  return [
    {
      name: 'safetensors',
      ending: 'safetensors',
      sample: safetensors,
      read: async (file) => lab().models.readSafetensors(file),
    },
    {
      name: 'checkpoint',
      ending: 'safetensors',
      sample: () => readFile(lab().backend.inCheckout('data', 'models', 'vae-mnist.safetensors')),
      read: async (file) => lab().models.disposeModel(lab().models.loadModel(file).model),
    },
    {
      name: 'npy',
      ending: 'npy',
      sample: async () => {
        const head = "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 28, 28), }";
        const start = Buffer.from(`\x93NUMPY\x01\x00v\x00${head.padEnd(117)}\n`, 'latin1');
        return Buffer.concat([start, pixels(4 * HEIGHT * HEIGHT)]);
      },
      read: (file) => lab().data.ownImages([file], GREY),
    },
    ...(['png', 'jpeg', 'webp', 'tiff', 'gif'] as const).map(picture),
    { name: 'parquet', ending: 'parquet', sample: parquet, read: readParquet },
    {
      name: 'idx',
      ending: 'gz',
      sample: async () => idx(false),
      read: async (file) =>
        convert('mnist', { ...official(), 'images.gz': await readFile(file) }, folderOf(file)),
    },
    {
      name: 'zip',
      ending: 'zip',
      sample: async () =>
        zip([
          ['gzip/emnist-letters-test-images-idx3-ubyte.gz', idx(false)],
          ['gzip/emnist-letters-test-labels-idx1-ubyte.gz', idx(true)],
        ]),
      read: async (file) =>
        convert('emnist_letters', { 'gzip.zip': await readFile(file) }, folderOf(file)),
    },
    {
      name: 'tar',
      ending: 'tar.gz',
      sample: async (folder) => {
        const tar: typeof import('tar') = require('tar');
        const name = 'cifar-10-batches-bin';
        const batch = Buffer.concat([
          Buffer.from([3]),
          pixels(3072),
          Buffer.from([9]),
          pixels(3072),
        ]);
        await lab().backend.writeBeside(path.join(folder, name, 'test_batch.bin'), batch);
        await tar.create({ gzip: true, cwd: folder, file: path.join(folder, 'a.tar.gz') }, [name]);
        return readFile(path.join(folder, 'a.tar.gz'));
      },
      read: async (file) =>
        convert('cifar10', { 'cifar-10-binary.tar.gz': await readFile(file) }, folderOf(file)),
    },
    {
      name: 'results',
      ending: 'json',
      sample: async () => {
        const { backend } = lab();
        const text = await readFile(
          backend.inCheckout('data', 'results', 'vae-mnist.json'),
          'utf8',
        );
        const { rows, ...rest } = JSON.parse(text) as { rows: unknown[] };
        return Buffer.from(JSON.stringify({ ...rest, rows: rows.slice(0, 3), comparisons: [] }));
      },
      read: async (file) => lab().experiments.readModelResults(path.dirname(file)),
    },
    {
      name: 'notebook',
      ending: 'ipynb',
      sample: async () =>
        Buffer.from(
          JSON.stringify({
            cells: [
              {
                cell_type: 'code',
                execution_count: null,
                metadata: {},
                outputs: [],
                source: ['1 + 1'],
              },
            ],
            metadata: {},
            nbformat: 4,
            nbformat_minor: 5,
          }),
        ),
      read: async (file) => lab().notebook.readNotebook(file),
    },
  ];
}
