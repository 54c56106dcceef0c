/**
 * # A parent that is gone
 *
 * A process whose Jupyter (or whose runner of notebooks) has died must not go on. Jupyter tells its
 * process id in `JPY_PARENT_PID`; else it is the process that started this one.
 */

/** Milliseconds between two looks. */
const EVERY = 1000;

/** Calls `end` once the parent has died. */
export function whenParentIsGone(end: () => void): void {
  const named = Number(process.env.JPY_PARENT_PID ?? 0);
  const first = process.ppid;
  const timer = setInterval(() => {
    if (named > 1 ? lives(named) : process.ppid === first) return;
    clearInterval(timer);
    end();
  }, EVERY);
  timer.unref();
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0); // asks only
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
