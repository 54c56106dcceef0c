/**
 * # Flags shared by two threads
 *
 * A busy thread receives no messages. Through shared memory it can see that it should stop, and the
 * other thread can see that it must not be stopped right now, because TensorFlow.js counts a tensor
 * in several steps.
 */

/** Indices in the shared memory. */
const WANTED = 0;
const WITHIN = 1;

let shared: Int32Array = new Int32Array(new SharedArrayBuffer(8));

/** Uses the memory of the other thread. */
export function shareSignal(memory: Int32Array): void {
  shared = memory;
}

/** Whether the running cell should stop. */
export const stopWanted = (): boolean => Atomics.load(shared, WANTED) === 1;

/** Sets whether the running cell should stop. */
export function wantStop(wanted: boolean): void {
  Atomics.store(shared, WANTED, wanted ? 1 : 0);
}

/** Whether the thread that runs cells is doing something that must not be interrupted. */
export const isWithin = (): boolean => Atomics.load(shared, WITHIN) > 0;

/** Runs work that must not be interrupted halfway. */
export const whole = <T>(work: () => T): T => at(Atomics.load(shared, WITHIN) + 1, work);

/** Runs work that may be interrupted, inside work that must not be. */
export const stoppable = <T>(work: () => T): T => at(0, work);

/** Resets the flag after the execution was ended from outside. */
export function nothingWithin(): void {
  Atomics.store(shared, WITHIN, 0);
}

/** Only this thread writes the depth. If `work` is ended from outside, no `finally` is run. */
function at<T>(depth: number, work: () => T): T {
  const before = Atomics.exchange(shared, WITHIN, depth);
  try {
    return work();
  } finally {
    Atomics.store(shared, WITHIN, before);
  }
}
