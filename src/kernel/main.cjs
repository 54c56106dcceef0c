/**
 * # The process of the kernel
 *
 * `node main.cjs CONNECTION_FILE`, started by Jupyter in the notebook's folder. The thread that
 * talks to Jupyter is started first. It binds its sockets while this thread, which runs the cells,
 * gets ready.
 */
'use strict';

const path = require('node:path');
const { Worker } = require('node:worker_threads');
const loader = require('./loader.cjs');

/** @type {NodeJS.Require} not called `require`, because only the hook can load this file */
const load = require;

/** How many milliseconds the sockets may take to close. */
const LONGEST = 1500;

/** @param {string} connection the connection file */
function startKernel(connection) {
  const folder = process.cwd();
  const closed = new Int32Array(new SharedArrayBuffer(4));
  const signal = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(path.join(__dirname, 'thread.cjs'), {
    workerData: {
      file: path.join(__dirname, 'protocol-worker.ts'),
      connection,
      folder,
      closed,
      signal,
    },
  });
  loader.install();
  loader.standIns.set('tslab', path.join(__dirname, 'tslab.cjs'));
  /** @type {typeof import('./signal')} */
  const { shareSignal } = load('./signal.ts');
  shareSignal(signal);
  /** @type {typeof import('./evaluate')} */
  const { Evaluator } = load('./evaluate.ts');
  const evaluator = new Evaluator(folder, (event) => worker.postMessage(event));
  worker.on('message', (/** @type {import('./messages').Command} */ command) => {
    if (command.type === 'end') process.exit(0);
    evaluator.receive(command);
  });
  worker.on('error', (/** @type {Error} */ error) => {
    require('node:fs').writeSync(2, `the kernel cannot go on: ${error.stack}\n`);
    process.exit(1);
  });
  // A thread that ends with open sockets makes the process crash.
  process.on('exit', () => {
    worker.postMessage({ type: 'closing' });
    Atomics.wait(closed, 0, 0, LONGEST);
  });
  // Ctrl-C in the terminal that runs Jupyter is for Jupyter, which then ends its kernels.
  process.on('SIGINT', () => {});
}

module.exports = { startKernel };

if (require.main === module) startKernel(String(process.argv[2]));
