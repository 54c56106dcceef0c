/**
 * # Fetching one official file
 *
 * The bytes are appended to `<file>.part`. What is there already is kept: the server is asked for
 * the rest (`Range`), and whether it answers with the rest (206), with everything (200) or that
 * there is no more (416), the file is the same. A connection that drops or falls silent is taken up
 * again where it broke, as long as each try brings bytes. Then the checksum is computed from the
 * disk, and only a file that has it gets its name; one that has not is kept aside as `<file>.bad`.
 * No size that a server announces is believed: it serves the progress display, and where it and the
 * bytes that came differ, the connection counts as dropped.
 *
 * Written on `node:http` and not on `fetch`, which would undo a `Content-Encoding: gzip` that
 * servers put on `.gz` files: the checksum is of the raw bytes.
 *
 * Reference: RFC 9110, §14 (ranges) and §15.4 (redirects).
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { diskError } from '../backend/index';
import { FisherlabError } from '../errors';
import type { OfficialFile } from './sets';

export interface FetchOptions {
  /** Called as bytes come: how many there are, and how many the server says there will be. */
  readonly onProgress?: (received: number, announced: number | undefined) => void;
  /** A connection silent for so long counts as dropped, in seconds. */
  readonly silence?: number;
  /**
   * Tries in a row that bring nothing before giving up, and the pause before the second in seconds
   * (then doubled).
   */
  readonly tries?: number;
  readonly pause?: number;
}

const MOST_REDIRECTS = 5;
/** No official file that is downloaded here is larger; EMNIST's has 0.6 GB. */
const MOST_BYTES = 1 << 30;

/**
 * Fetches `official` to `target`, unless it lies there already. After an error, what had come stays
 * in `<target>.part` for the next time.
 * @throws {FisherlabError} if the server cannot be reached or has no such file, the checksum
 *   differs, or the disk is full
 */
export async function fetchFile(
  official: OfficialFile,
  target: string,
  options: FetchOptions = {},
): Promise<void> {
  if ((await sizeOf(target)) !== undefined && (await mismatch(target, official)) === null) return;
  const part = `${target}.part`;
  const resumed = ((await sizeOf(part)) ?? 0) > 0;
  await receive(official.url, part, options);
  let wrong = await mismatch(part, official);
  if (wrong !== null && resumed) {
    // The beginning may be of another file or a damaged one: once more from the start.
    await rm(part);
    await receive(official.url, part, options);
    wrong = await mismatch(part, official);
  }
  if (wrong !== null) {
    await rename(part, `${target}.bad`);
    throw new FisherlabError(
      `${path.basename(target)} from ${official.url} is not the official file: ${wrong}`,
      `it is kept as '${target}.bad'; try again later`,
    );
  }
  await rename(part, target);
}

/** What is wrong with a file, "expected …, found …", or null. */
export async function mismatch(file: string, { md5, bytes }: OfficialFile): Promise<string | null> {
  if (bytes !== undefined) {
    const found = await sizeOf(file);
    if (found !== bytes) return `expected ${bytes} bytes, found ${found}`;
  }
  if (md5 === undefined) return null;
  const found = await md5Of(file);
  return found === md5 ? null : `expected md5 ${md5}, found ${found}`;
}

/** The md5 of a file, in hexadecimal. */
export async function md5Of(file: string): Promise<string> {
  const hash = createHash('md5');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

async function sizeOf(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.size;
}

/** Appends to `part` until the server has no more. */
async function receive(url: string, part: string, options: FetchOptions): Promise<void> {
  const { tries = 5, pause = 1 } = options;
  for (let failed = 0; ; ) {
    const before = (await sizeOf(part)) ?? 0;
    try {
      await receiveOnce(url, part, before, options);
      return;
    } catch (error) {
      if (error instanceof FisherlabError) throw error;
      const known = diskError(error, part);
      if (known instanceof FisherlabError) throw known;
      failed = ((await sizeOf(part)) ?? 0) > before ? 1 : failed + 1;
      if (failed >= tries) {
        const reason =
          error instanceof Error
            ? error.message || (error as NodeJS.ErrnoException).code
            : String(error);
        throw new FisherlabError(
          `${url} cannot be fetched: ${reason}`,
          'check the network and run the same command again, it goes on where it stopped; embedded excerpts and FISHERLAB_DATA work without a network',
        );
      }
      await sleep(1000 * pause * 2 ** (failed - 1));
    }
  }
}

async function receiveOnce(
  url: string,
  part: string,
  have: number,
  options: FetchOptions,
): Promise<void> {
  const response = await request(url, have, options.silence ?? 30);
  const { statusCode = 0, headers } = response;
  if (statusCode === 416) {
    // All of it is here, or more than all: the checksum tells.
    response.resume();
    return;
  }
  const starts =
    statusCode === 206
      ? Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? Number.NaN)
      : 0;
  if (statusCode === 206 && starts !== have) {
    response.destroy();
    await rm(part, { force: true });
    throw new Error(`the server sent bytes from ${starts} on instead of ${have}`);
  }
  if (statusCode !== 200 && statusCode !== 206) {
    response.destroy();
    if (statusCode >= 500 || statusCode === 429 || statusCode === 408)
      throw new Error(`the server answered ${statusCode}`);
    throw new FisherlabError(
      `${url} is not there: the server answered ${statusCode}`,
      "see whether the set's page names a new address, fetch the file by hand and give it with --from FILE",
    );
  }
  const length = headers['content-length'];
  const announced = length === undefined ? undefined : starts + Number(length);
  let received = starts;
  const counted = new Transform({
    transform(chunk: Buffer, _, done) {
      received += chunk.length;
      if (received > MOST_BYTES) {
        done(
          new FisherlabError(
            `${url} sends more than ${MOST_BYTES} bytes`,
            "see whether the set's page names a new address",
          ),
        );
        return;
      }
      options.onProgress?.(received, announced);
      done(null, chunk);
    },
  });
  await pipeline(response, counted, createWriteStream(part, { flags: starts > 0 ? 'a' : 'w' }));
  if (announced !== undefined && received !== announced)
    throw new Error(`the connection ended after ${received} of ${announced} bytes`);
}

/** Asks for the bytes from `from` on, following redirects, but never from https to http. */
async function request(
  url: string,
  from: number,
  silence: number,
  redirects = 0,
): Promise<IncomingMessage> {
  const { protocol } = new URL(url);
  const client = protocol === 'https:' ? https : http;
  const headers = {
    'User-Agent': 'fisherlab',
    'Accept-Encoding': 'identity',
    ...(from > 0 ? { Range: `bytes=${from}-` } : {}),
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = client.get(url, { headers }, resolve);
    asked.setTimeout(1000 * silence, () =>
      asked.destroy(new Error(`nothing came for ${silence} seconds`)),
    );
    asked.on('error', reject);
  });
  const { location } = response.headers;
  if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || location === undefined)
    return response;
  response.resume();
  const next = new URL(location, url);
  if (
    redirects >= MOST_REDIRECTS ||
    !/^https?:$/.test(next.protocol) ||
    (protocol === 'https:' && next.protocol === 'http:')
  ) {
    throw new FisherlabError(
      `${url} leads to ${next}, which is not followed`,
      'fetch the file by hand and give it with --from FILE',
    );
  }
  return request(next.href, from, silence, redirects + 1);
}
