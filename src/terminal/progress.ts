/**
 * # The progress of a long step
 *
 * `progress('features', 4000)` returns an object with a `tick` method. In a notebook it overwrites
 * one output in place; on a terminal one line, with a bar; in a file it writes a new line at most
 * every five seconds. The time left assumes that the rest goes as fast as what is done:
 * `left = elapsed · (total − done) / done`.
 */
import { inNotebook, kernelDisplay } from './host';

export interface Progress {
  /** Counts `count` more items as done; 1 if left out. */
  tick(count?: number): void;
  /** Ends the step; its last line stays. May be called twice. */
  done(): void;
}

/** Where lines go; a test gives its own. */
export interface Screen {
  readonly kind: 'notebook' | 'terminal' | 'lines';
  /** Writes a line, in place of the last one where the kind allows it. `last` ends it. */
  write(line: string, last: boolean): void;
}

// milliseconds between two lines
const WAIT = { notebook: 250, terminal: 100, lines: 5000 } as const;

/**
 * Starts reporting a step.
 * @param total how many ticks there will be
 * @param now a clock in milliseconds
 */
export function progress(
  label: string,
  total: number,
  screen: Screen = thisScreen(),
  now: () => number = Date.now,
): Progress {
  const started = now();
  let count = 0;
  let written = Number.NEGATIVE_INFINITY;
  let ended = false;
  const report = () => {
    const time = now();
    if (time - written < WAIT[screen.kind]) return;
    written = time;
    screen.write(progressLine(label, count, total, (time - started) / 1000), false);
  };
  report();
  return {
    tick(more = 1) {
      count = Math.min(total, count + more);
      if (!ended) report();
    },
    done() {
      if (ended) return;
      ended = true;
      // Without the time in a notebook: what is stored with it should not change from run to run.
      const time = screen.kind === 'notebook' ? '' : ` in ${duration((now() - started) / 1000)}`;
      screen.write(`${label}: ${count} of ${total}${time}`, true);
    },
  };
}

const BAR = 24;

/** One line: `features ████████░░░░ 50 % · 12 s left`. Seconds are those that have passed. */
export function progressLine(label: string, count: number, total: number, seconds: number): string {
  const share = total === 0 ? 1 : count / total;
  const filled = Math.round(share * BAR);
  const left = count === 0 ? '' : ` · ${duration((seconds * (total - count)) / count)} left`;
  return `${label} ${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${Math.floor(share * 100)} %${left}`;
}

/** A number of seconds in readable form: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

/** The screen that this process writes to. */
export function thisScreen(): Screen {
  if (inNotebook()) {
    const display = kernelDisplay().newDisplay();
    return { kind: 'notebook', write: (line) => display.text(line) };
  }
  if (process.stdout.isTTY) {
    return {
      kind: 'terminal',
      write: (line, last) =>
        process.stdout.write(
          `\r\x1b[2K${line.slice(0, (process.stdout.columns ?? 80) - 1)}${last ? '\n' : ''}`,
        ),
    };
  }
  return { kind: 'lines', write: (line) => process.stdout.write(`${line}\n`) };
}

/**
 * One bar after the other: a new one for each new `what`. What was kept from an earlier run makes
 * no step, and `done('…')` says so in these words.
 */
export function barForEachStep(): {
  step(what: string, done: number, total: number): void;
  done(withoutSteps?: string): void;
} {
  let current: { what: string; done: number; bar: Progress } | undefined;
  return {
    step(what, done, total) {
      if (current?.what !== what) {
        current?.bar.done();
        current = { what, done: 0, bar: progress(what, total) };
      }
      current.bar.tick(done - current.done);
      current.done = done;
    },
    done(withoutSteps) {
      current?.bar.done();
      if (current === undefined && withoutSteps !== undefined) console.log(withoutSteps);
    },
  };
}
