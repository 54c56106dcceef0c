/**
 * # Stopping a command
 *
 * Ctrl-C, a closed terminal, `kill`, and a closed pipe (`| head`) all end a command quietly, with
 * the status that shells expect: 128 plus the number of the signal. Long commands do their work in
 * `stoppable`. At the first signal the work stops at its next safe place, and a line says what is
 * kept and how to resume. A second signal ends it at once. Files on disk are always complete,
 * because they are written under another name and then renamed.
 */
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The status that a shell reports for a process ended by a signal. */
const statusOf = (signal: (typeof SIGNALS)[number] | 'SIGPIPE') => 128 + constants.signals[signal];

/** Thrown when work was stopped. The message for the user has already been printed. */
export class Stopped extends Error {
  constructor(
    /** The exit status. */
    readonly status: number,
  ) {
    super('stopped');
    this.name = 'AbortError';
  }
}

/** The work in progress, if it can be stopped. */
let current: AbortController | undefined;

/**
 * Runs work that a signal can stop.
 * @param said the line to print then: what is kept and how to resume
 * @param work must end by throwing the signal's reason, for instance by `signal.throwIfAborted()`
 * @throws {Stopped} if it was stopped
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
 * The same for work that can stop anywhere, because everything it has finished is already on disk.
 */
export function stoppableAnywhere<T>(said: string, work: () => Promise<T>): Promise<T> {
  return stoppable(said, (signal) => {
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    return Promise.race([work(), stopped]);
  });
}

/** Error codes of writing when the reader or the terminal is gone. */
const GONE: readonly (string | undefined)[] = ['EPIPE', 'EIO'];

/** Ends the process quietly once nobody reads its output. */
export function endWithoutReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (!GONE.includes(error.code)) {
      console.error(`the output cannot be written (${error.code}); send it where there is room`);
      process.exit(1);
    }
    const status = statusOf('SIGPIPE');
    if (current === undefined) process.exit(status);
    current.abort(new Stopped(status));
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (!GONE.includes(error.code)) throw error;
  });
}
