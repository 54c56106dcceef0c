import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type FetchOptions, fetchFile } from '../../src/data/fetch-file';
import { bytes, md5, ownFolder, servers } from './help';

const CONTENT = bytes(300_000);
const HALF = 150_000;

describe('fetching an official file', () => {
  const folder = ownFolder();
  const serve = servers();
  const target = () => path.join(folder(), 'a.gz');
  const part = () => `${target()}.part`;
  const fetch = (url: string, options: FetchOptions = {}) =>
    fetchFile({ url: `${url}/a.gz`, md5: md5(CONTENT) }, target(), {
      pause: 0.01,
      tries: 3,
      silence: 5,
      ...options,
    });
  const whole = () => {
    assert.deepEqual(readFileSync(target()), CONTENT);
    assert.ok(!existsSync(part()), 'nothing half-written is left');
  };

  it('the file arrives complete, progress grows to its size, and a second time nothing is requested', async () => {
    const { url, ranges } = await serve({ 'a.gz': CONTENT });
    const seen: number[] = [];
    await fetch(url, {
      onProgress: (received, announced) => seen.push(received / (announced ?? 1)),
    });
    whole();
    assert.ok(
      seen.length > 0 &&
        seen.at(-1) === 1 &&
        seen.every((share, i) => i === 0 || share > (seen[i - 1] as number)),
    );
    await fetch(url);
    assert.deepEqual(ranges, ['']);
  });

  it('what an interrupted download left is kept and only the rest is requested', async () => {
    const { url, ranges } = await serve({ 'a.gz': CONTENT });
    writeFileSync(part(), CONTENT.subarray(0, HALF));
    await fetch(url);
    whole();
    assert.deepEqual(ranges, [`bytes=${HALF}-`]);
  });

  it('a connection that drops repeatedly is resumed where it broke', async () => {
    const { url, ranges } = await serve({ 'a.gz': CONTENT }, (request, response, tries) => {
      if (tries > 4) return false;
      const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, {
        'Content-Length': CONTENT.length - from,
        'Content-Range': `bytes ${from}-${CONTENT.length - 1}/*`,
      });
      response.write(CONTENT.subarray(from, from + 40_000), () =>
        setTimeout(() => response.destroy(), 20),
      );
      return true;
    });
    await fetch(url, { tries: 2 });
    whole();
    assert.deepEqual(ranges, [
      '',
      'bytes=40000-',
      'bytes=80000-',
      'bytes=120000-',
      'bytes=160000-',
    ]);
  });

  it('a server that falls silent counts as dropped', async () => {
    const { url, ranges } = await serve({ 'a.gz': CONTENT }, (_, response, tries) => {
      if (tries > 1) return false;
      response.writeHead(200, { 'Content-Length': CONTENT.length });
      response.write(CONTENT.subarray(0, 1000));
      return true;
    });
    await fetch(url, { silence: 0.2 });
    whole();
    assert.deepEqual(ranges, ['', 'bytes=1000-']);
  });

  it('a file shorter than the server announced is not accepted', async () => {
    const { url } = await serve({}, (_, response) => {
      response.writeHead(200, { 'Content-Length': CONTENT.length });
      response.write(CONTENT.subarray(0, HALF), () => response.destroy());
      return true;
    });
    await assert.rejects(
      fetch(url, { tries: 1 }),
      /a\.gz cannot be fetched: .*; check the network/,
    );
    assert.ok(!existsSync(target()));
  });

  it('an altered file is set aside, and the message names the file and the expected and found checksums', async () => {
    const altered = Buffer.from(CONTENT);
    altered[7] = 255 - (altered[7] as number);
    const { url, ranges } = await serve({ 'a.gz': altered });
    await assert.rejects(fetch(url), (error: Error) => {
      assert.match(
        error.message,
        new RegExp(`a\\.gz.*expected md5 ${md5(CONTENT)}, found ${md5(altered)}.*a\\.gz\\.bad`),
      );
      return error.name === 'FisherlabError';
    });
    assert.deepEqual(readFileSync(`${target()}.bad`), altered);
    assert.ok(!existsSync(target()) && !existsSync(part()));
    assert.equal(ranges.length, 1);
  });

  it('a partial file with other content is discarded, and the whole is fetched', async () => {
    const { url, ranges } = await serve({ 'a.gz': CONTENT });
    writeFileSync(part(), bytes(HALF, 9));
    await fetch(url);
    whole();
    assert.deepEqual(ranges, [`bytes=${HALF}-`, '']);
  });

  it('416: the partial file was already complete, or too long', async () => {
    const { url, ranges } = await serve({ 'a.gz': CONTENT });
    writeFileSync(part(), CONTENT);
    await fetch(url);
    whole();
    writeFileSync(target(), 'gone bad on the disk');
    writeFileSync(part(), Buffer.concat([CONTENT, CONTENT]));
    await fetch(url);
    whole();
    assert.deepEqual(ranges, ['bytes=300000-', 'bytes=600000-', '']);
  });

  it('a server without ranges, which sends everything, and one that sends another range, do no harm', async () => {
    const deaf = await serve({}, (_, response) => {
      response.writeHead(200, { 'Content-Length': CONTENT.length }).end(CONTENT);
      return true;
    });
    writeFileSync(part(), CONTENT.subarray(0, HALF));
    await fetch(deaf.url);
    whole();
    writeFileSync(target(), '');
    const odd = await serve({ 'a.gz': CONTENT }, (request, response, tries) => {
      if (tries === 1) {
        response.writeHead(200, { 'Content-Length': CONTENT.length });
        response.write(CONTENT.subarray(0, HALF));
        // Cut only when the half is on the disk, however slow the machine.
        const cut = setInterval(() => {
          if (!existsSync(part()) || statSync(part()).size < HALF) return;
          clearInterval(cut);
          response.destroy();
        }, 5);
      } else if (request.headers.range !== undefined) {
        response
          .writeHead(206, { 'Content-Range': `bytes 10-${CONTENT.length - 1}/${CONTENT.length}` })
          .end(CONTENT.subarray(10));
      } else return false;
      return true;
    });
    await fetch(odd.url);
    whole();
    assert.deepEqual(odd.ranges, ['', `bytes=${HALF}-`, '']);
  });

  it('redirects are followed, but not in a circle and not to something that is not the web', async () => {
    const { url } = await serve({ 'a.gz': CONTENT }, (request, response) => {
      const to = {
        '/a.gz': '/there/a.gz',
        '/round/a.gz': '/round/a.gz',
        '/file/a.gz': 'file:///etc/hostname',
      }[request.url ?? ''];
      if (to === undefined) return false;
      response.writeHead(302, { Location: to }).end();
      return true;
    });
    await fetch(url);
    whole();
    writeFileSync(target(), '');
    await assert.rejects(fetch(`${url}/round`), /not followed/);
    await assert.rejects(
      fetch(`${url}/file`),
      /redirects to file:\/\/\/etc\/hostname, which is not followed/,
    );
  });

  it('404 is reported at once, 503 is retried', async () => {
    const none = await serve({});
    await assert.rejects(
      fetch(none.url),
      /a\.gz is not there: the server answered 404; .*--from FILE/,
    );
    assert.equal(none.ranges.length, 1);
    const busy = await serve({ 'a.gz': CONTENT }, (_, response, tries) => {
      if (tries < 3) response.writeHead(503).end('later');
      return tries < 3;
    });
    await fetch(busy.url);
    whole();
    assert.equal(busy.ranges.length, 3);
  });

  it('bytes are kept as they come, even if the server calls them encoded', async () => {
    const { url } = await serve({}, (_, response) => {
      response
        .writeHead(200, { 'Content-Length': CONTENT.length, 'Content-Encoding': 'gzip' })
        .end(CONTENT);
      return true;
    });
    await fetch(url);
    whole();
  });

  it('without a network the message says what can be done without one', async () => {
    await assert.rejects(
      fetch('http://127.0.0.1:1'),
      /cannot be fetched: .*; check the network .*excerpts and FISHERLAB_DATA work without/,
    );
  });

  it('a full disk is reported, and there is no file afterwards', async function () {
    if (!existsSync('/dev/full')) this.skip();
    const { url } = await serve({ 'a.gz': CONTENT });
    symlinkSync('/dev/full', part());
    await assert.rejects(fetch(url), /the disk is full: .*a\.gz\.part' was not written; make room/);
    assert.ok(!existsSync(target()));
  });
});
