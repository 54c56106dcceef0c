/**
 * # Whether memory stays as it is
 *
 * A cell that is run again and again, as people do, must not grow the kernel. Measured with a cell
 * of the program's own work, the squared norms of 32 images, run 500 times in one kernel: the
 * tensors and the open scopes of TensorFlow.js, JavaScript's heap and the memory of the process.
 * Heap and process breathe with the garbage collector, so that of fifty runs the least counts.
 */
import { BenchClient } from './bench-client';
import { NOTEBOOKS, OWN } from './bench-kernels';

/** Least values within some runs of a cell, one after the other. */
export interface MemoryOfRuns {
  /** The first and the last of the runs, counted from 1. */
  readonly runs: [number, number];
  readonly tensors: number;
  readonly scopes: number;
  readonly heap_mb: number;
  readonly process_mb: number;
}

const PREPARATION = `
import { data, features, models, startBackend, tf } from 'fisherlab';
await startBackend();
const { model } = models.loadModel('glow-fashion_mnist');
const images = await data.dataset('fashion_mnist', 'test', { limit: 32 });`;
const CELL =
  'const tables = await features.extractTables(model, images, { batchSizes: [1], seed: 1 });';
const MEMORY =
  '[tf.memory().numTensors, tf.engine().state.scopeStack.length, process.memoryUsage().heapUsed / 1e6, process.memoryUsage().rss / 1e6]';

/** Runs whose least values are taken together. */
const TOGETHER = 50;

/**
 * Runs the cell in a kernel of its own.
 *
 * @param runs a multiple of fifty
 * @returns what was in use in the second fifty runs, when all is loaded, and in the last fifty
 */
export async function memoryOfReruns(runs = 500): Promise<MemoryOfRuns[]> {
  const kernel = await BenchClient.start(NOTEBOOKS, OWN);
  try {
    await kernel.execute(PREPARATION);
    const seen: number[][] = [];
    for (let i = 0; i < runs; i++) seen.push((await kernel.valueAfter(CELL, MEMORY)) as number[]);
    return [TOGETHER, runs - TOGETHER].map((from) => leastOf(seen, from));
  } finally {
    await kernel.stop();
  }
}

function leastOf(seen: readonly number[][], from: number): MemoryOfRuns {
  const some = seen.slice(from, from + TOGETHER);
  const [tensors, scopes, heap_mb, process_mb] = [0, 1, 2, 3].map((which) =>
    Math.round(Math.min(...some.map((values) => values[which] ?? Number.NaN))),
  ) as [number, number, number, number];
  return { runs: [from + 1, from + some.length], tensors, scopes, heap_mb, process_mb };
}
