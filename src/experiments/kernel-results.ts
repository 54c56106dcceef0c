/**
 * # Stored measurements of the kernel
 *
 * `fisherlab bench kernel --keep` stores the times that a person at a notebook waits for, and the
 * memory that a repeated cell leaves, in `data/results/kernel.json`; environment.md shows both. On
 * a shared machine the ratios matter, not the milliseconds.
 */
import { existsSync } from 'node:fs';
import * as v from 'valibot';
import { writeJson } from '../backend/index';
import { markdownTable } from './markdown-table';
import { KERNEL, readResultsFile } from './results-file';

const FIGURE = v.strictObject({
  what: v.string(),
  /** Median, in milliseconds. */
  ms: v.number(),
  /** The same with plain tslab, if it was measured. */
  tslab: v.exactOptional(v.number()),
  /** The time Node takes for the same work, if Node can do it. */
  node: v.exactOptional(v.number()),
  /** The goal, in words. */
  goal: v.string(),
});
const MEMORY = v.strictObject({
  /** The first and the last of the runs. */
  runs: v.tuple([v.number(), v.number()]),
  tensors: v.number(),
  scopes: v.number(),
  heap_mb: v.number(),
  process_mb: v.number(),
});
const RESULTS = v.strictObject({
  machine: v.strictObject({
    processor: v.string(),
    cores: v.number(),
    node: v.string(),
    /** How many other processes wanted a core in the minute before. */
    load: v.number(),
  }),
  /** How often each was measured. */
  starts: v.number(),
  figures: v.array(FIGURE),
  memory: v.array(MEMORY),
});

export type KernelResults = v.InferOutput<typeof RESULTS>;

/** Stores the measurements with the shipped results. */
export function keepKernel(results: KernelResults): Promise<void> {
  return writeJson(KERNEL, results);
}

/**
 * The shipped measurements, or undefined if there are none.
 * @throws {FisherlabError} if its file is damaged
 */
export function shippedKernel(): KernelResults | undefined {
  if (!existsSync(KERNEL)) return undefined;
  return readResultsFile(KERNEL, RESULTS, 'fisherlab bench kernel --keep');
}

/** The generated part of environment.md. */
export function kernelParts(results: KernelResults | undefined): Record<string, string> {
  if (results === undefined) return { kernel: 'Not measured yet.' };
  const { machine, starts, figures, memory } = results;
  const on = `Medians of ${starts}, on ${machine.cores} cores (${machine.processor}), Node ${machine.node}, with a load of ${machine.load.toFixed(1)} by others when it began:`;
  const tables = [kernelRows(figures), memoryRows(memory)].map((rows) =>
    markdownTable(
      Object.keys(rows[0] ?? {}),
      rows.map((row) => Object.values(row)),
    ),
  );
  const again =
    'A cell that asks for the squared norms of 32 images, run again and again; the least of fifty runs:';
  return { kernel: [on, tables[0], again, tables[1]].join('\n\n') };
}

/** The times as a table: the names of the columns, and the rows. */
export function kernelRows(figures: KernelResults['figures']): Record<string, string>[] {
  return figures.map(({ what, ms, tslab, node, goal }) => ({
    'what is waited for': what,
    ms: ms.toFixed(0),
    'plain tslab, ms': tslab === undefined ? '–' : tslab.toFixed(0),
    '× faster': tslab === undefined ? '–' : (tslab / ms).toFixed(1),
    'node, ms': node === undefined ? '–' : node.toFixed(0),
    '× node': node === undefined ? '–' : (ms / node).toFixed(2),
    'aimed at': goal,
  }));
}

/** The memory as a table. */
export function memoryRows(memory: KernelResults['memory']): Record<string, string>[] {
  return memory.map(({ runs, tensors, scopes, heap_mb, process_mb }) => ({
    runs: runs.join(' to '),
    tensors: `${tensors}`,
    'open scopes': `${scopes}`,
    'heap, MB': `${heap_mb}`,
    'process, MB': `${process_mb}`,
  }));
}
