/**
 * # Text in few messages
 *
 * A program prints line by line; a hundred thousand lines are not a hundred thousand messages. Text
 * to one stream of one cell is collected for a moment, and goes out as it came, in its order.
 */

import { clearTimeout, setTimeout } from 'node:timers'; // not those that cells find

/** Milliseconds that text is collected for. */
const COLLECT = 10;
/** Characters after which it goes out at once. */
const ENOUGH = 1 << 16;

type StreamName = 'stdout' | 'stderr';

export class TextCollector {
  private open: { cell: string; name: StreamName; parts: string[]; size: number } | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @param send takes what was collected */
  constructor(private readonly send: (cell: string, name: StreamName, text: string) => void) {}

  add(cell: string, name: StreamName, text: string): void {
    if (this.open !== undefined && (this.open.cell !== cell || this.open.name !== name))
      this.flush();
    this.open ??= { cell, name, parts: [], size: 0 };
    this.open.parts.push(text);
    this.open.size += text.length;
    if (this.open.size >= ENOUGH) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), COLLECT);
  }

  /** Sends what there is. Call it before anything else is shown. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { open } = this;
    this.open = undefined;
    if (open !== undefined) this.send(open.cell, open.name, open.parts.join(''));
  }
}
