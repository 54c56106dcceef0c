/**
 * # `fisherlab bench kernel`: what people wait for at a notebook
 *
 * Starts, imports, edits, interrupts and completion beside plain tslab and Node, then the memory of
 * a cell that is run 500 times. Takes some five minutes on a quiet machine of two cores; with
 * `--keep` both tables go to `data/results/kernel.json` and from there to environment.md.
 */
import os from 'node:os';
import { lab } from './lab';

/**
 * Measures, and says each time as soon as it is known.
 *
 * @param starts how often each is measured; the median counts
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
