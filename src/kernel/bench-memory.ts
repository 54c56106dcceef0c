/**
 * # Whether memory stays constant
 *
 * People run the same cell again and again, and the kernel must not grow. The test runs a typical
 * cell, the squared norms of 32 images, 500 times in one kernel. It measures the tensors and open
 * scopes of TensorFlow.js, the JavaScript heap and the memory of the process. Heap and process
 * memory rise and fall with the garbage collector, so the least value of fifty runs is used.
 */
import { BenchClient } from './bench-client';
import { NOTEBOOKS, OWN } from './bench-kernels';

/** The least values within some consecutive runs of a cell. */
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

/** The number of runs in each group. */
const TOGETHER = 50;

/**
 * Runs the cell in a separate kernel.
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
