/**
 * # A curve that grows while one watches
 *
 * `nodeplotlib` opens a browser window and draws what an RxJS Observable sends. A live curve is such a stream of the figure of `lines.ts`. It is
 * only for watching by hand (its small server, `live-page.ts`, lives until the window is closed), so the package is loaded when the first curve is
 * opened and never in notebooks.
 */
import type { plot } from 'nodeplotlib';
import { auditTime, BehaviorSubject, Subject } from 'rxjs';
import { lines } from './lines';
import { plotOffline } from './live-page';

export interface LiveCurve {
  /** Adds a point to each named series: `push(100, { training: 3.1, validation: 3.2 })`. A number that is not finite leaves a gap. */
  push(step: number, values: Readonly<Record<string, number>>): void;
  /** Sends what is still waiting and ends the stream; the window keeps its last picture. */
  close(): void;
}

/** At most one picture in so many milliseconds is sent. */
const INTERVAL = 500;

/**
 * Opens a window with an empty plot.
 * @param show what draws the stream; nodeplotlib unless a test gives its own
 */
export function liveCurve(title: string, show: typeof plot = plotOffline): LiveCurve {
  const points = new Map<string, { x: number[]; y: number[] }>();
  const picture = () =>
    lines(
      [...points].map(([name, { x, y }]) => ({ name, x, y })),
      { title, x: 'step', y: '' },
    );
  const pictures = new BehaviorSubject(picture().data);
  const waiting = new Subject<void>();
  const sending = waiting.pipe(auditTime(INTERVAL)).subscribe(() => pictures.next(picture().data));
  show(pictures, { ...picture().layout, showlegend: true });
  return {
    push(step, values) {
      for (const [name, value] of Object.entries(values)) {
        if (!Number.isFinite(value)) continue;
        const series = points.get(name) ?? { x: [], y: [] };
        series.x.push(step);
        series.y.push(value);
        points.set(name, series);
      }
      waiting.next();
    },
    close() {
      sending.unsubscribe();
      pictures.next(picture().data);
      pictures.complete();
    },
  };
}
