import assert from 'node:assert/strict';
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
  it('asks for nothing that its own server does not give, plotly among it', async function () {
    this.timeout(60_000);
    const address = await startedAt();
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
