/**
 * What the tests of the data room share: a folder and a cache of their own, a server on 127.0.0.1
 * that can misbehave, a writer of zip archives, and a way to obtain a data set from tiny archives
 * in its official format.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deflateRawSync, gzipSync } from 'node:zlib';
import sharp from 'sharp';
import * as tar from 'tar';
import {
  type DataSet,
  type DataSetName,
  type Dataset,
  type DownloadOptions,
  dataSet,
  dataset,
  download,
  type Split,
} from '../../src/data/index';
import { uniformAt } from '../../src/numerics/random';

export const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');

/** Bytes that look random and are the same each time. */
export const bytes = (n: number, seed = 1) =>
  Buffer.from(Uint8Array.from({ length: n }, (_, i) => Math.floor(256 * uniformAt(seed, i))));

/**
 * For the length of each test of a suite: an empty folder, the cache in it, and no FISHERLAB_DATA.
 */
export function ownFolder(): () => string {
  let folder = '';
  let before: Record<string, string | undefined> = {};
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-test-'));
    before = {
      XDG_CACHE_HOME: process.env.XDG_CACHE_HOME,
      FISHERLAB_DATA: process.env.FISHERLAB_DATA,
    };
    process.env.XDG_CACHE_HOME = folder;
    delete process.env.FISHERLAB_DATA;
  });
  afterEach(() => {
    for (const [key, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[key];
      else process.env[key] = value;
    }
    rmSync(folder, { recursive: true, force: true });
  });
  return () => folder;
}

export interface Served {
  readonly url: string;
  /** The `Range` of each request, '' where there was none, in order. */
  readonly ranges: string[];
}

export type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  tries: number,
) => boolean | undefined;

/**
 * Serves files by path as a good server does; `answer` may take a request over (and returns true
 * then). Closed after the suite's test.
 */
export function servers(): (
  files: Readonly<Record<string, Buffer>>,
  answer?: Answer,
) => Promise<Served> {
  const open: http.Server[] = [];
  afterEach(() => {
    for (const server of open.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });
  return async (files, answer) => {
    const ranges: string[] = [];
    const server = http.createServer((request, response) => {
      ranges.push(request.headers.range ?? '');
      if (answer?.(request, response, ranges.length) === true) return;
      const content = files[path.posix.basename(request.url ?? '')];
      if (content === undefined) return void response.writeHead(404).end('not here');
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      if (from >= content.length)
        return void response.writeHead(416, { 'Content-Range': `bytes */${content.length}` }).end();
      const rest = content.subarray(from);
      const range =
        from > 0
          ? { 'Content-Range': `bytes ${from}-${content.length - 1}/${content.length}` }
          : {};
      response
        .writeHead(from > 0 ? 206 : 200, { 'Content-Length': rest.length, ...range })
        .end(rest);
    });
    open.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ranges };
  };
}

/**
 * A zip archive of these entries; `lie` is what its directory says of each entry's size instead of
 * the truth.
 */
export function zip(entries: Readonly<Record<string, Buffer>>, lie?: number): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(entries)) {
    const packed = deflateRawSync(content);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0); // version needed
    fields.writeUInt16LE(0x0800, 2); // names are UTF-8
    fields.writeUInt16LE(8, 4); // deflate
    fields.writeUInt32LE(gzipSync(content).readUInt32LE(gzipSync(content).length - 8), 10); // crc32
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(lie ?? content.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const record = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    central.push(
      Buffer.concat([
        Buffer.from('PK\x01\x02'),
        Buffer.from([20, 0]),
        fields,
        tail,
        Buffer.from(name),
      ]),
    );
    local.push(record);
    offset += record.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(central.length, 4);
  end.writeUInt16LE(central.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...local, directory, Buffer.from('PK\x05\x06'), end]);
}

/** A gzipped tar of these entries. */
export function tarGz(entries: Readonly<Record<string, Buffer>>): Buffer {
  const blocks = Object.entries(entries).map(([name, content]) => {
    const header = Buffer.alloc(512);
    new tar.Header({
      path: name,
      size: content.length,
      type: 'File',
      mode: 0o644,
      mtime: new Date(0),
    }).encode(header, 0);
    return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

/** A PNG of these pixels, so that what a converter decodes is known exactly. */
export function png(
  pixels: Uint8Array,
  width: number,
  height: number,
  channels: 1 | 3,
): Promise<Buffer> {
  return sharp(pixels, { raw: { width, height, channels } }).png().toBuffer();
}

/**
 * The catalogue's entry with these files instead of the official ones: served at `url`, or just
 * known by their checksum.
 */
export function entryWith(
  name: DataSetName,
  archives: Partial<Record<Split, Readonly<Record<string, Buffer>>>>,
  url = '',
): DataSet {
  const files: DataSet['files'] = Object.fromEntries(
    Object.entries(archives).map(([split, some]) => [
      split,
      Object.entries(some).map(([file, content]) => ({ url: `${url}/${file}`, md5: md5(content) })),
    ]),
  );
  return { ...dataSet(name), files };
}

/**
 * Downloads a set from a server of `archives` (or, where the owner demands agreement, from files)
 * and reads what came of it.
 */
export async function obtain(
  name: DataSetName,
  archives: Partial<Record<Split, Readonly<Record<string, Buffer>>>>,
  serve: ReturnType<typeof servers>,
  folder: string,
): Promise<Dataset[]> {
  const all: Record<string, Buffer> = Object.assign({}, ...Object.values(archives));
  const { url } = await serve(all);
  const entry = entryWith(name, archives, url);
  const options: DownloadOptions = { entry };
  if (entry.agreement === undefined) await download(name, options);
  else {
    const from = Object.entries(all).map(([file, content]) => {
      const target = path.join(folder, `mine-${file}`);
      writeFileSync(target, content);
      return target;
    });
    await download(name, { ...options, from });
  }
  return Promise.all(Object.keys(archives).map((split) => dataset(name, split)));
}
