/**
 * # What people wait for before anything is computed
 *
 * `fisherlab bench start-up` keeps in `data/results/start-up.json` how long a process takes from
 * nothing to its first features, step by step on each backend, and how long whole commands take;
 * `docs/start-up.md` shows it.
 */
import { existsSync } from 'node:fs';
import * as v from 'valibot';
import { writeJson } from '../backend/index';
import { markdownTable } from './markdown-table';
import { readResultsFile, START_UP } from './results-file';
import { SPREAD, within } from './scale-results';

const TAKEN = {
  /** What the clock on the wall says. Milliseconds. */
  wall: SPREAD,
  /** Processor time, all cores. Milliseconds. */
  cpu: SPREAD,
};

/** What the file may hold. */
export const START_UP_RESULTS = v.object({
  machine: v.object({ processor: v.string(), cores: v.number(), node: v.string() }),
  /** In the order in which they happen, backend by backend. */
  steps: v.array(v.object({ backend: v.string(), step: v.string(), ...TAKEN })),
  commands: v.array(v.object({ command: v.string(), aim: v.nullable(v.number()), ...TAKEN })),
});

export type StartUpResults = v.InferOutput<typeof START_UP_RESULTS>;

/** Keeps what was measured. */
export function keepStartUp(results: StartUpResults): Promise<void> {
  return writeJson(START_UP, results);
}

/**
 * What is kept; null before the first time.
 * @throws {FisherlabError} if the file is damaged
 */
export function shippedStartUp(): StartUpResults | null {
  if (!existsSync(START_UP)) return null;
  return readResultsFile(START_UP, START_UP_RESULTS, 'fisherlab bench start-up');
}

/** The parts of `docs/start-up.md`. */
export function startUpParts(results: StartUpResults | null): Record<string, string> {
  if (results === null) return { steps: 'not measured yet', commands: 'not measured yet' };
  const { machine, steps, commands } = results;
  const backends = [...new Set(steps.map(({ backend }) => backend))];
  const names = [...new Set(steps.map(({ step }) => step))];
  const rows = names.map((name) => [
    name,
    ...backends.flatMap((backend) => {
      const found = steps.find((one) => one.step === name && one.backend === backend);
      return found === undefined ? ['–', '–'] : [within(found.wall, 0), within(found.cpu, 0)];
    }),
  ]);
  const head = backends.flatMap((backend) => [`${backend}, ms`, 'of the processor']);
  const on = `${machine.cores} cores (${machine.processor}), Node ${machine.node}`;
  return {
    steps: `On ${on}; medians (least to largest):\n\n${markdownTable(['', ...head], rows)}`,
    commands: markdownTable(
      ['command', 'ms', 'of the processor', 'aimed at'],
      commands.map(({ command, aim, wall, cpu }) => [
        command,
        within(wall, 0),
        within(cpu, 0),
        aim === null ? '' : aim.toLocaleString('en'),
      ]),
    ),
  };
}
