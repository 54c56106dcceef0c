/**
 * # The thread that talks to Jupyter
 *
 * Binds the sockets, and ends the process when asked to or when Jupyter is gone. It does not wait
 * for the thread that runs cells, which may be busy forever.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Protocol } from './jupyter-protocol';
import { LanguageClient } from './language-client';
import type { Command, Event } from './messages';
import { whenParentIsGone } from './parent';
import { shareSignal } from './signal';
import { readConnection, Sockets } from './wire';

const { connection, folder, closed, signal } = workerData as {
  connection: string;
  folder: string;
  /** Becomes 1 once the sockets are closed. */
  closed: Int32Array;
  signal: Int32Array;
};
/** Milliseconds that exit handlers set by cells may take. */
const GOODBYE = 500;

shareSignal(signal);
const sockets = new Sockets(readConnection(connection));
const language = new LanguageClient(folder);
const command = (one: Command) => parentPort?.postMessage(one);

async function close(): Promise<void> {
  await sockets.close();
  Atomics.store(closed, 0, 1);
  Atomics.notify(closed, 0);
}

async function end(): Promise<void> {
  await close();
  command({ type: 'end' });
  await sleep(GOODBYE);
  process.kill(process.pid, 'SIGKILL');
}

const protocol = new Protocol(sockets, language, command, () => void end());
parentPort?.on('message', (event: Event) => {
  if (event.type === 'closing') void close();
  else protocol.event(event);
});
whenParentIsGone(() => void end());
void sockets
  .open((channel, message) => protocol.receive(channel, message))
  .then(() => protocol.started());
