/**
 * # Fetching one official file
 *
 * The bytes are appended to `<file>.part`. Bytes from an earlier try are kept, and the server is
 * asked only for the rest (`Range`). Whether it answers with the rest (206), with everything (200)
 * or that there is no more (416), the resulting file is the same. A connection that drops or falls
 * silent is resumed where it broke, as long as each try brings bytes. Then the checksum is computed
 * from the disk. Only a file with the right checksum gets its final name; any other is renamed to
 * `<file>.bad`. The size that a server announces is not trusted: it is used for the progress
 * display, and if it differs from the number of bytes received, the connection counts as dropped.
 *
 * This uses `node:http` instead of `fetch`, because `fetch` would undo the `Content-Encoding: gzip`
 * that servers put on `.gz` files, and the checksum is of the raw bytes.
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
  /** Called as bytes arrive, with how many there are and how many the server announced. */
  readonly onProgress?: (received: number, announced: number | undefined) => void;
  /** Seconds of silence after which a connection counts as dropped. */
  readonly silence?: number;
  /**
   * How many tries in a row may bring nothing before giving up, and the pause in seconds before the
   * second one (then doubled).
   */
  readonly tries?: number;
  readonly pause?: number;
}

const MOST_REDIRECTS = 5;
/** No official file downloaded here is larger; that of EMNIST has 0.6 GB. */
const MOST_BYTES = 1 << 30;

/**
 * Fetches `official` to `target`, unless it is there already. After an error, the bytes received
 * stay in `<target>.part` for the next try.
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
    // The beginning may be damaged or from another file: try once more from the start.
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

/** How a file differs from the official one, "expected …, found …", or null. */
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

/** Appends to `part` until the server has no more bytes. */
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
          'check the network and run the same command again to resume; embedded excerpts and FISHERLAB_DATA work without a network',
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
    // The part has all bytes, or too many: the checksum decides.
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
      "look for a new address on the set's page, download the file by hand and give it with --from FILE",
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
            "look for a new address on the set's page",
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
      `${url} redirects to ${next}, which is not followed`,
      'download the file by hand and give it with --from FILE',
    );
  }
  return request(next.href, from, silence, redirects + 1);
}
