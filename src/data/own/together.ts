/**
 * # Several files at a time, and one at a time
 *
 * Several small pictures are decoded at the same time, to keep the decoder's threads busy. Large
 * ones wait for their turn, so that at most one of them is in memory.
 */
import { availableParallelism } from 'node:os';
import type { Turn } from './own-picture';

/** How many files are read at the same time: enough to keep the decoder's threads busy. */
const TOGETHER = Math.max(4, 2 * availableParallelism());

/**
 * The results of `work`, in the order of `items`. Several items are worked on at the same time. No
 * item is started after one that failed, was aborted or `stops`.
 */
export async function together<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  stops: (result: R) => boolean = () => false,
  signal?: AbortSignal,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const k = next++;
      try {
        signal?.throwIfAborted();
        const result = await work(items[k] as T);
        results[k] = result;
        if (stops(result)) next = items.length;
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: TOGETHER }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return results.filter((result) => result !== undefined);
}

/** Runs pieces of work one at a time, in the order in which they were given. */
export function oneAtATime(): Turn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
}
