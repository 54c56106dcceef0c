/**
 * # Commands as processes that may be stopped
 *
 * The program in a process group of its own, so that what it starts can be found after its end.
 */
import { spawn } from 'node:child_process';
import { lab } from './lab';

/** How a command ended. */
export interface Ended {
  /** Its exit status; null where a signal ended it. */
  readonly status: number | null;
  readonly said: string;
  readonly milliseconds: number;
  /** From the signal to the end, where one was sent. */
  readonly afterSignal?: number;
  /** Whether a process that it started outlived it. */
  readonly leftProcess: boolean;
}

export interface Run {
  /** A word of shell before the command, say `ulimit -n 40 &&`. */
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What is sent, and after how many milliseconds. */
  readonly signal?: { readonly name: NodeJS.Signals; readonly after: number };
}

/** Runs `fisherlab …words`. */
export function fisherlab(words: readonly string[], run: Run = {}): Promise<Ended> {
  const program = lab().backend.inCheckout('bin', 'fisherlab.js');
  const { shell = '', env, cwd, signal } = run;
  const child = spawn(
    'bash',
    ['-c', `${shell} exec "$0" "$@"`, process.execPath, program, ...words],
    { cwd, env: { ...process.env, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const began = performance.now();
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => {
      said += data;
    });
  let sent: number | undefined;
  const timer =
    signal === undefined
      ? undefined
      : setTimeout(() => {
          sent = performance.now();
          // Ctrl-C and a closed terminal reach the whole group, kill the process alone
          const group = signal.name === 'SIGINT' || signal.name === 'SIGHUP';
          process.kill(group ? -(child.pid as number) : (child.pid as number), signal.name);
        }, signal.after);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', async (status) => {
      clearTimeout(timer);
      const ended = performance.now();
      const leftProcess = await outlived(-(child.pid as number));
      const after = sent === undefined ? {} : { afterSignal: ended - sent };
      resolve({ status, said, milliseconds: ended - began, ...after, leftProcess });
    });
  });
}

/** Whether a process of the group is still there after two seconds; it is ended then. */
async function outlived(group: number): Promise<boolean> {
  for (let tries = 0; tries < 20; tries++) {
    if (!isThere(group)) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  process.kill(group, 'SIGKILL');
  return true;
}

function isThere(group: number): boolean {
  try {
    process.kill(group, 0); // asks only
    return true;
  } catch {
    return false;
  }
}
