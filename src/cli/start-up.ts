/**
 * # `fisherlab bench start-up`: what people wait for before anything is computed
 *
 * A process goes from nothing to its first features and says after each step how long it took:
 * Node with the command line, the library, the backend, a model, the images of a part, the features
 * of that part (with the graph that they are recorded for) and of the next one (without). It does
 * so on the native library and on WebAssembly. Besides, whole commands are run that ought to answer
 * soon. Each in processes of its own, one after the other.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { experiments } from '../index';
import { machineHere, SEED, spread } from './cost';
import { lab } from './lab';
import { answerOf, ran } from './own-process';

type Results = experiments.StartUpResults;

const MODEL = 'glow-cifar10';
const SET = 'cifar10';
/** Images of a part, as `features` cuts a set. */
const PART = 240;
const RUNS = 3;
/** One run of WebAssembly takes longer than all of the others. */
const BACKENDS = { tensorflow: RUNS, wasm: 1 } as const;
/** The model and number of images of one's own that are scored. */
const OWN = { model: 'glow-fashion_mnist', images: 100 };

interface Step {
  readonly step: string;
  /** Milliseconds. */
  readonly wall: number;
  readonly cpu: number;
}

/** Measures all, keeps it, and fills the page in. */
export async function measureStartUp(say: (line: string) => void): Promise<void> {
  const { experiments } = lab();
  const steps: Results['steps'] = [];
  for (const [backend, times] of Object.entries(BACKENDS)) {
    const runs: Step[][] = [];
    for (let k = 0; k < times; k++) {
      runs.push((await answerOf(['bench', 'start-up', '--worker', backend])) as Step[]);
      say(`${backend}: ${JSON.stringify(runs.at(-1))}`);
    }
    for (const [s, { step }] of (runs[0] ?? []).entries()) {
      const of = (key: 'wall' | 'cpu') => spread(runs.map((run) => (run[s] as Step)[key]));
      steps.push({ backend, step, wall: of('wall'), cpu: of('cpu') });
    }
  }
  const folder = await mkdtemp(path.join(os.tmpdir(), 'fisherlab-start-up-'));
  try {
    const commands = [
      await commandCost('fisherlab --version', 150, async () => ['--version']),
      await commandCost('fisherlab --help', 400, async () => ['--help']),
      await commandCost(
        `fisherlab detect, ${OWN.images} images of one's own, usual ones known`,
        2000,
        (k) => detectUnseen(folder, k),
      ),
    ];
    await experiments.keepStartUp({ machine: machineHere(), steps, commands });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await experiments.fillPages();
}

/** Goes from nothing to features, and writes what each step took as a line of JSON. */
export async function startUpWorker(backend: string): Promise<void> {
  process.env.FISHERLAB_BACKEND = backend;
  const steps: Step[] = [];
  let [wall, cpu] = [0, 0]; // of the clock that began with the process
  const took = (step: string) => {
    const now = performance.now();
    const { user, system } = process.cpuUsage();
    const used = (user + system) / 1000;
    steps.push({ step, wall: now - wall, cpu: used - cpu });
    [wall, cpu] = [now, used];
  };
  took('Node and the command line');
  const { data, features, models, startBackend } = lab();
  took('the library');
  await startBackend();
  took('the backend');
  const { model } = models.loadModel(MODEL);
  took('a model');
  const row = await data.setRow(SET, 'test', { limit: 2 * PART });
  const extractor = new features.Extractor(model, row, { batchSizes: [1, 5], seed: SEED });
  const what = ['first part, with its graph', 'next part'];
  for await (const part of row.parts([0, PART].map((from) => ({ from, to: from + PART })))) {
    took(`images of the ${what[0]?.split(',')[0]}`);
    await extractor.run(part);
    took(`${PART} features of the ${what.shift()}`);
  }
  models.disposeModel(model);
  console.log(JSON.stringify(steps));
}

async function commandCost(
  command: string,
  aim: number | null,
  words: (k: number) => Promise<string[]>,
): Promise<Results['commands'][number]> {
  const runs = [];
  for (let k = 0; k < RUNS; k++) runs.push(await ran(await words(k)));
  return {
    command,
    aim,
    wall: spread(runs.map(({ seconds }) => 1000 * seconds)),
    cpu: spread(runs.map(({ cpu }) => 1000 * cpu)),
  };
}

/** A command that scores images whose features no earlier run can have kept: by the time. */
async function detectUnseen(folder: string, k: number): Promise<string[]> {
  const { data, random } = lab();
  const file = path.join(folder, `${k}.npy`);
  const pixels = random.uniforms(SEED + k, OWN.images * 32 * 32);
  const header = data.npyHeader([OWN.images, 32, 32, 1]);
  await writeFile(file, Buffer.concat([header, Uint8Array.from(pixels, (u) => 256 * u)]));
  return ['detect', '--model', OWN.model, '--out', file, '--to', folder];
}
