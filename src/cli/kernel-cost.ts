/**
 * # `fisherlab bench kernel`: waiting times in a notebook
 *
 * Measures starts, imports, edits, interrupts and completion next to plain tslab and Node, then the
 * memory of a cell that is run 500 times. This takes about five minutes on an idle machine with two
 * cores. With `--keep`, both tables are stored in `data/results/kernel.json` and shown in
 * environment.md.
 */
import os from 'node:os';
import { lab } from './lab';

/**
 * Measures, and prints each time as soon as it is known.
 *
 * @param starts how often each time is measured; the median is reported
 */
export async function measureKernel(
  starts: number,
  keep: boolean,
  say: (line: string) => void,
): Promise<void> {
  const { experiments, kernel, terminal } = lab();
  const { kernelBench, memoryOfReruns } = kernel.benchmark();
  const machine = {
    processor: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    node: process.versions.node,
    load: Math.round(10 * (os.loadavg()[0] ?? 0)) / 10,
  };
  const figures = await kernelBench({ starts }, ({ what, ms }) =>
    say(`${what}: ${ms.toFixed(0)} ms`),
  );
  say(terminal.tableText(experiments.kernelRows(figures)));
  const memory = await memoryOfReruns();
  say(terminal.tableText(experiments.memoryRows(memory)));
  if (!keep) return;
  await experiments.keepKernel({ machine, starts, figures, memory });
  await experiments.fillPages();
}
