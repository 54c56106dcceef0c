/**
 * # Text in few messages
 *
 * A program that prints a hundred thousand lines should not send a hundred thousand messages. Text
 * for one stream of one cell is collected for a moment and then sent in its order.
 */

import { clearTimeout, setTimeout } from 'node:timers'; // Node's own, not those replaced for cells

/** Milliseconds that text is collected for. */
const COLLECT = 10;
/** Characters after which it is sent at once. */
const ENOUGH = 1 << 16;

type StreamName = 'stdout' | 'stderr';

export class TextCollector {
  private open: { cell: string; name: StreamName; parts: string[]; size: number } | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @param send receives the collected text */
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

  /** Sends the collected text. Call it before anything else is shown. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { open } = this;
    this.open = undefined;
    if (open !== undefined) this.send(open.cell, open.name, open.parts.join(''));
  }
}
