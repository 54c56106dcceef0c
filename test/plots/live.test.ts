import assert from 'node:assert/strict';
import type { Plot } from 'nodeplotlib';
import type { Observable } from 'rxjs';
import { liveCurve } from '../../src/plots/live';

describe('a live curve', () => {
  const watch = () => {
    const pictures: Plot[][] = [];
    let ended = false;
    const curve = liveCurve('a training', ['training', 'held out'], (data) => {
      (data as Observable<Plot[]>).subscribe({ next: (picture) => pictures.push(picture), complete: () => (ended = true) });
    });
    return { curve, pictures, ended: () => ended };
  };

  it('shows everything that was pushed once it is closed, even within one interval', () => {
    const { curve, pictures, ended } = watch();
    for (let step = 0; step < 1000; step++) curve.push(step, { training: 1 / (step + 1), 'held out': Number.NaN });
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
