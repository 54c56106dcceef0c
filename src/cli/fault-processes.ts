/**
 * # Commands as processes that may be stopped
 *
 * Runs the program in its own process group, so that processes it starts can be found after it
 * ends.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { lab } from './lab';

/** How a command ended. */
export interface Ended {
  /** Its exit status; null if a signal ended it. */
  readonly status: number | null;
  readonly said: string;
  readonly milliseconds: number;
  /** Milliseconds from the signal to the end, if one was sent. */
  readonly afterSignal?: number;
  /** Whether a process it started was still running afterwards. */
  readonly leftProcess: boolean;
}

export interface Run {
  /** Shell code before the command, such as `ulimit -n 40 &&`. */
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The signal to send, and after how many milliseconds. */
  readonly signal?: { readonly name: NodeJS.Signals; readonly after: number };
}

/** A command that takes longer than this, in milliseconds, counts as one that never ends. */
const LIMIT = 180_000;

/**
 * Runs `fisherlab …words`.
 * @throws {Error} if it cannot be started or does not end
 */
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
  const pid = child.pid as number;
  let sent: number | undefined;
  let late = false;
  const timers = [
    setTimeout(() => {
      late = send(-pid, 'SIGKILL');
    }, LIMIT),
  ];
  if (signal !== undefined)
    timers.push(
      setTimeout(() => {
        sent = performance.now();
        // Ctrl-C and a closed terminal reach the whole group; `kill` reaches only the process.
        const group = signal.name === 'SIGINT' || signal.name === 'SIGHUP';
        send(group ? -pid : pid, signal.name);
      }, signal.after),
    );
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => {
      for (const timer of timers) clearTimeout(timer);
      if (late) {
        reject(new Error(`fisherlab ${words.join(' ')}: no end after ${LIMIT / 1000} s: ${said}`));
        return;
      }
      const ended = performance.now();
      const after = sent === undefined ? {} : { afterSignal: ended - sent };
      outlived(pid).then(
        (leftProcess) =>
          resolve({ status, said, milliseconds: ended - began, ...after, leftProcess }),
        reject,
      );
    });
  });
}

/** Whether a process of the group still runs after two seconds; if so, it is killed. */
async function outlived(group: number): Promise<boolean> {
  for (let tries = 0; tries < 20; tries++) {
    if (!runs(group)) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return send(-group, 'SIGKILL');
}

/** Sends a signal, 0 to send none. Returns false if there is no such process any more. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/**
 * Whether any process of a group runs. A zombie, which has ended but whose exit status has not been
 * collected, can still be signalled. Where `/proc` shows the state, zombies are not counted.
 */
function runs(group: number): boolean {
  if (!send(-group, 0)) return false;
  if (!existsSync('/proc/self/stat')) return true;
  return readdirSync('/proc').some((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      // The fields after the program's name in brackets: state, parent, group.
      const [state = '', , owner] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(owner) === group && !'ZX'.includes(state);
    } catch {
      return false; // it has ended in the meantime
    }
  });
}
