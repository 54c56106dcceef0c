import assert from 'node:assert/strict';
import http from 'node:http';
import { networkInterfaces } from 'node:os';
import type { Plot } from 'nodeplotlib';
import type { Observable } from 'rxjs';
import { liveCurve } from '../../src/plots/live';

describe('a live curve', () => {
  const watch = () => {
    const pictures: Plot[][] = [];
    let ended = false;
    const curve = liveCurve('a training', ['training', 'held out'], (data) => {
      (data as Observable<Plot[]>).subscribe({
        next: (picture) => pictures.push(picture),
        complete: () => (ended = true),
      });
    });
    return { curve, pictures, ended: () => ended };
  };

  it('shows everything that was pushed once it is closed, even within one interval', () => {
    const { curve, pictures, ended } = watch();
    for (let step = 0; step < 1000; step++)
      curve.push(step, { training: 1 / (step + 1), 'held out': Number.NaN });
    curve.close();
    const last = pictures[pictures.length - 1] as Plot[];
    assert.deepEqual(
      last.map(({ name, y }) => [name, (y as number[]).length]),
      [['training', 1000]],
    );
    assert.ok(ended());
  });

  it('sends far fewer pictures than points', () => {
    const { curve, pictures } = watch();
    for (let step = 0; step < 1000; step++) curve.push(step, { training: step });
    curve.close();
    assert.ok(pictures.length < 5, `${pictures.length} pictures`);
  });
});

describe('the page of a live curve', () => {
  let address: string;
  before(async function () {
    this.timeout(60_000);
    address = await startedAt();
  });

  it('requests nothing, not even plotly, from other servers', async () => {
    const found: string[] = [];
    const page = await (await fetch(address)).text();
    assert.doesNotMatch(page, /https?:/);
    for (const [, name] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
      if (name === '/') continue; // the base of the others
      const response = await fetch(new URL(name as string, address));
      assert.equal(response.status, 200, name);
      const body = await response.text();
      assert.doesNotMatch(body, /^<!DOCTYPE html>/, `${name} is the page again`);
      if (body.includes('plotly.js v2')) found.push(name as string);
    }
    assert.deepEqual(found, ['/plotly.min.js']);
  });

  /** The status of the answer to who asks at this address for `target` of `host`; or an error. */
  const asked = (at: string, target: string, host: string) =>
    new Promise<number | string | undefined>((resolve) => {
      const { port } = new URL(address);
      http
        .get({ host: at, port, path: target, headers: { host } }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
        .on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
  const POLL = '/socket.io/?EIO=4&transport=polling';

  it('is sent only to requests that name this machine', async () => {
    const { port, host } = new URL(address);
    for (const target of ['/', '/plotly.min.js', '/main.js', POLL]) {
      const file = target === '/main.js' ? await script() : target;
      for (const own of [host, `localhost:${port}`])
        assert.equal(await asked('127.0.0.1', file, own), 200, `${file} of ${own}`);
      for (const foreign of ['evil.example', `evil.example:${port}`, '127.0.0.1', `[::1]:${port}`])
        assert.equal(await asked('127.0.0.1', file, foreign), 403, `${file} of ${foreign}`);
    }
  });

  it('cannot be reached at other addresses of the machine', async () => {
    const others = Object.values(networkInterfaces()).flatMap((all) =>
      (all ?? []).map((one) => one.address).filter((one) => one !== '127.0.0.1'),
    );
    for (const other of [...others.filter((one) => !one.startsWith('fe80')), '127.0.0.2'])
      assert.equal(typeof (await asked(other, '/', new URL(address).host)), 'string', other);
  });

  it('is sent the curve, even one that has ended', async () => {
    // The protocol of socket.io by hand: open, join, ask, and read until the figure comes.
    const poll = (sid = '', body?: string) =>
      fetch(`${address}${POLL}${sid}`, body === undefined ? {} : { method: 'POST', body }).then(
        (answer) => answer.text(),
      );
    const opened = JSON.parse((await poll()).slice(1)) as { sid: string };
    const sid = `&sid=${opened.sid}`;
    await poll(sid, '40');
    assert.match(await poll(sid), /^40/);
    await poll(sid, '42["readplots"]');
    assert.match(await poll(sid), /^42\["plotdata",.*"layout":\{.*a training/);
    await poll(sid, '1'); // the window is closed
  });

  /** A file of nodeplotlib's page. */
  async function script(): Promise<string> {
    const [, name] = /src="([^"/]*\.js)"/.exec(await (await fetch(address)).text()) ?? [];
    return `/${name}`;
  }

  /** Opens a curve as `fisherlab train --live` does, but for the window; where its server runs. */
  function startedAt(): Promise<string> {
    const { log } = console;
    process.env.NODEPLOTLIB_PORT = '0'; // any port, and no window
    return new Promise((resolve) => {
      console.log = (...words: string[]) => {
        const [address] = /http:\S+/.exec(words.join(' ')) ?? [];
        if (address === undefined) return log(...words);
        console.log = log;
        delete process.env.NODEPLOTLIB_PORT;
        resolve(address);
      };
      liveCurve('a training', ['training']).close();
    });
  }
});
