/**
 * # When somebody says stop
 *
 * Ctrl-C, a closed terminal, `kill`, and a reader that has gone away (`| head`) all end a command
 * quietly, with the status that shells expect: 128 and the number of the signal. Long commands do
 * their work in `stoppable`: at the first signal the work ends at its next safe place, and a line
 * says what is kept and how to go on; a second signal ends it at once. Whatever is on disk then is
 * whole, since files are written beside and renamed.
 */
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What a shell reports of a process that a signal ended. */
const statusOf = (signal: (typeof SIGNALS)[number] | 'SIGPIPE') => 128 + constants.signals[signal];

/** Work that was stopped; the line that says so has been written. */
export class Stopped extends Error {
  constructor(
    /** The exit status. */
    readonly status: number,
  ) {
    super('stopped');
    this.name = 'AbortError';
  }
}

/** The work that goes on, if it can be stopped. */
let current: AbortController | undefined;

/**
 * Does work that a signal stops.
 * @param said the line that says so: what is kept and how to go on
 * @param work ends by `signal.throwIfAborted()`, or whatever else throws the signal's reason
 * @throws {Stopped} where it was stopped
 */
export async function stoppable<T>(
  said: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    const status = statusOf(name as (typeof SIGNALS)[number]);
    if (controller.signal.aborted) process.exit(status);
    controller.abort(new Stopped(status));
  };
  for (const name of SIGNALS) process.on(name, stop);
  current = controller;
  try {
    return await work(controller.signal);
  } catch (error) {
    if (error === controller.signal.reason) console.error(said);
    throw error;
  } finally {
    current = undefined;
    for (const name of SIGNALS) process.off(name, stop);
  }
}

/**
 * The same for work that has no safe place of its own: it ends where it stands, for all that it has
 * finished is on disk.
 */
export function stoppableAnywhere<T>(said: string, work: () => Promise<T>): Promise<T> {
  return stoppable(said, (signal) => {
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    return Promise.race([work(), stopped]);
  });
}

/** What writing says where the reader has gone away, or the terminal has. */
const GONE: readonly (string | undefined)[] = ['EPIPE', 'EIO'];

/** Ends the process quietly once nobody reads what it says. */
export function endWithoutReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (!GONE.includes(error.code)) throw error;
    const status = statusOf('SIGPIPE');
    if (current === undefined) process.exit(status);
    current.abort(new Stopped(status));
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (!GONE.includes(error.code)) throw error;
  });
}
