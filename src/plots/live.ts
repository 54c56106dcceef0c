/**
 * # A curve that grows as it is watched
 *
 * `nodeplotlib` opens a browser window and draws what an RxJS Observable sends. A live curve is
 * such a stream of the figure of `lines.ts`. It is only for watching by hand (its small server,
 * `live-page.ts`, lives until the window is closed), so the package is loaded when the first curve
 * is opened and never in notebooks.
 */
import type { Plot, plot } from 'nodeplotlib';
import { type LineSeries, lines } from './lines';
import { plotOffline } from './live-page';

export interface LiveCurve {
  /**
   * Adds a point to each named series: `push(100, { training: 3.1, validation: 3.2 })`. A number
   * that is not finite leaves a gap.
   */
  push(step: number, values: Readonly<Record<string, number>>): void;
  /** Sends what is still waiting and ends the stream; windows keep the last picture. */
  close(): void;
}

/** Milliseconds between two pictures, at least. */
const INTERVAL = 500;

/**
 * Opens a window with an empty plot.
 * @param names of all series that `push` will use, because the legend gets its space only once
 * @param show draws the stream; by default nodeplotlib
 */
export function liveCurve(
  title: string,
  names: readonly string[],
  show: typeof plot = plotOffline,
): LiveCurve {
  const { auditTime, ReplaySubject, Subject } = require('rxjs') as typeof import('rxjs');
  const points = new Map(names.map((name) => [name, { x: [] as number[], y: [] as number[] }]));
  const figure = (series: readonly LineSeries[]) => lines(series, { title, x: 'step', y: 'loss' });
  const picture = () =>
    figure(
      [...points].filter(([, { x }]) => x.length > 0).map(([name, { x, y }]) => ({ name, x, y })),
    ).data;
  const pictures = new ReplaySubject<Plot[]>(1); // also sends the last picture to late subscribers
  pictures.next(picture());
  const waiting = new Subject<void>();
  const sending = waiting.pipe(auditTime(INTERVAL)).subscribe(() => pictures.next(picture()));
  show(pictures, figure(names.map((name) => ({ name, x: [0], y: [0] }))).layout);
  return {
    push(step, values) {
      for (const [name, { x, y }] of points) {
        const value = values[name];
        if (value === undefined || !Number.isFinite(value)) continue;
        x.push(step);
        y.push(value);
      }
      waiting.next();
    },
    close() {
      sending.unsubscribe();
      pictures.next(picture());
      pictures.complete();
    },
  };
}
