/**
 * # Cells without Jupyter
 *
 * The same executor as in the kernel, with the parent process in the place of Jupyter: cells come
 * in and events go out as messages. A separate thread watches the parent, because a cell that
 * computes forever would not notice that the parent is gone.
 */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { CellSyntaxError, prepareCell } from './cell';
import { Evaluator } from './evaluate';
import type { Event } from './messages';
import { shownError } from './shown-error';
import { TextCollector } from './text-collector';

/** A message from the parent: a cell, or that there are no more. */
export type HeadlessRequest = { cell: string; code: string } | 'end';

const tell = (event: Event | { type: 'ready' }) => {
  if (process.connected) process.send?.(event);
};

const texts = new TextCollector((cell, name, text) => tell({ type: 'stream', cell, name, text }));

/** Sends an event. Text is collected into few messages, in order. */
function post(event: Event): void {
  if (event.type === 'stream') {
    texts.add(event.cell, event.name, event.text);
    return;
  }
  texts.flush();
  tell(event);
}

const folder = process.cwd();
const evaluator = new Evaluator(folder, post);
let count = 0;

async function execute(cell: string, code: string): Promise<void> {
  const number = ++count;
  try {
    const prepared = await prepareCell(code, number);
    evaluator.receive({ type: 'run', cell, number, prepared, expressions: {} });
  } catch (error) {
    if (error instanceof CellSyntaxError) error.place = `cell [${number}]`;
    tell({ type: 'done', cell, error: shownError(error, folder) });
  }
}

process.on('message', (message: HeadlessRequest) => {
  if (message !== 'end') {
    void execute(message.cell, message.code);
    return;
  }
  // Pending work may still fail, so the process ends only when nothing is left to do, or when the
  // parent stops waiting.
  process.channel?.unref();
});
process.on('disconnect', () => process.exit(1)); // the parent is gone

const workerData = { file: path.join(__dirname, 'orphan-worker.ts') };
new Worker(path.join(__dirname, 'thread.cjs'), { workerData }).unref();

tell({ type: 'ready' });
