/**
 * # A notebook's kernel in a process of its own
 *
 * tslab's converter and executor, without Python and ZeroMQ between: cells come in and outputs go
 * out as messages to the parent process (`run.ts`). It is plain JavaScript, started by plain Node:
 * in Jupyter, too, the kernel has no tsx that could load what tslab does not find, and a notebook
 * that runs here must run there.
 *
 * What Jupyter passes over in silence is reported here: a rejected promise that nobody awaited, an
 * exception in a timer.
 */
'use strict';

const { createConverter } = require('tslab/dist/converter');
const { createExecutor } = require('tslab/dist/executor');
const { JupyterHandlerImpl } = require('tslab/dist/jupyter');

/** @param {object} message */
const tell = (message) => {
  if (process.connected) process.send?.(message);
};

/** @param {unknown} error */
const textOf = (error) => (error instanceof Error ? (error.stack ?? error.message) : String(error));

process.on('uncaughtException', (error) =>
  tell({ type: 'fault', text: `UncaughtException: ${textOf(error)}` }),
);
process.on('unhandledRejection', (reason) =>
  tell({ type: 'fault', text: `UnhandledPromiseRejection: ${textOf(reason)}` }),
);

const converter = createConverter({ isJS: false, isBrowser: false });
const converters = { node: converter, browser: converter, close: () => converter.close() };
const executor = createExecutor(process.cwd(), converters, {
  log: console.log,
  error: console.error,
});
const handler = new JupyterHandlerImpl(executor, false);

/** Lets promises that are already rejected be noticed before the cell counts as done. */
const settle = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** @param {{ cell: number, code: string }} request */
async function execute({ cell, code }) {
  const reply = await handler.handleExecute(
    { code, silent: false, store_history: true, user_expressions: {} },
    (name, text) => tell({ type: 'stream', cell, name, text }),
    (display, update) =>
      tell({
        type: 'display',
        cell,
        data: display.data,
        metadata: display.metadata,
        id: display.transient.display_id,
        update,
      }),
  );
  await settle();
  tell({ type: 'done', cell, ok: reply.status === 'ok', count: reply.execution_count });
}

process.on('message', (/** @type {{ cell: number, code: string } | 'end'} */ message) => {
  if (message !== 'end') {
    execute(message);
    return;
  }
  // What is still under way may still fail: the process ends when nothing is left to do, or when
  // the parent has waited long enough.
  handler.close();
  process.channel?.unref();
});
// A parent that is gone wants no answer.
process.on('disconnect', () => process.exit(1));

tell({ type: 'ready' });
