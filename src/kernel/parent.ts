/**
 * # Noticing that the parent is gone
 *
 * If Jupyter or the notebook runner has died, the process must end too. Jupyter gives its process
 * id in `JPY_PARENT_PID`; otherwise the parent is the process that started this one.
 */

/** Milliseconds between two checks. */
const EVERY = 1000;

/** Calls `end` when the parent has died. */
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
    process.kill(pid, 0); // signal 0 only checks whether it exists
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
