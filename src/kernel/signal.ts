/**
 * # What two threads see at once
 *
 * A busy thread hears no message. In memory that both threads share, it can see that it shall stop,
 * and the other one can see that now is no moment to be stopped at: TensorFlow.js counts a tensor
 * in several steps.
 */

/** Places in the shared memory. */
const WANTED = 0;
const WITHIN = 1;

let shared: Int32Array = new Int32Array(new SharedArrayBuffer(8));

/** Uses the memory of the other thread. */
export function shareSignal(memory: Int32Array): void {
  shared = memory;
}

/** Whether the running cell shall stop. */
export const stopWanted = (): boolean => Atomics.load(shared, WANTED) === 1;

/** Says whether the running cell shall stop. */
export function wantStop(wanted: boolean): void {
  Atomics.store(shared, WANTED, wanted ? 1 : 0);
}

/** Whether the thread that runs cells is within something that should stay whole. */
export const isWithin = (): boolean => Atomics.load(shared, WITHIN) > 0;

/** Does something that should not be stopped in its midst. */
export const whole = <T>(work: () => T): T => at(Atomics.load(shared, WITHIN) + 1, work);

/** Does something that may be stopped, as a part of something that may not. */
export const stoppable = <T>(work: () => T): T => at(0, work);

/** Forgets what was within when the execution was ended from outside. */
export function nothingWithin(): void {
  Atomics.store(shared, WITHIN, 0);
}

/** Only this thread writes the depth. Where `work` is ended from outside, no `finally` is run. */
function at<T>(depth: number, work: () => T): T {
  const before = Atomics.exchange(shared, WITHIN, depth);
  try {
    return work();
  } finally {
    Atomics.store(shared, WITHIN, before);
  }
}
