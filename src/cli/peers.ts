/**
 * # `fisherlab bench peers`: speed next to PyTorch
 *
 *     fisherlab bench peers vae --preset small --python venv/bin/python
 *
 * fisherlab and PyTorch (`peers.py`) run alternately, each in its own process. On a machine that
 * others use too, the ratio of two consecutive runs says more than either time. fisherlab takes as
 * many images per pass as it chooses by default; PyTorch takes the number it is fastest with.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { experiments, models } from '../index';
import { type Cost, machineHere } from './cost';
import { lab } from './lab';
import { answerOf } from './own-process';

type Row = experiments.SpeedRow;

const PAIRS = 5;
const KINDS = ['features', 'training', 'fim'] as const;
/**
 * Images per run, so that each run takes seconds. A training step has equally many on both sides.
 */
const IMAGES = { small: { ours: 240, theirs: 32 }, paper: { ours: 64, theirs: 8 } };
const TRAINING = 64;

/**
 * Compares the times of a family's preset, kind by kind; each is given as soon as it is known.
 * @param python a Python interpreter with torch
 * @throws {FisherlabError} if the interpreter does not run, or has no torch
 */
export async function* comparePeers(
  family: string,
  preset: models.PresetName,
  python: string,
  say: (line: string) => void,
): AsyncGenerator<Row> {
  const machine = { ...machineHere(), torch: await versionOfTorch(python) };
  const { ours, theirs } = IMAGES[preset === 'paper' ? 'paper' : 'small'];
  for (const kind of KINDS) {
    const images = kind === 'training' ? [] : ['--images', `${ours}`];
    const pairs: Row['pairs'][number][] = [];
    for (let k = 0; k < PAIRS; k++) {
      const here = (await answerOf(
        ['bench', kind, family, '--preset', preset, ...images, '--json'], // in a new process
      )) as Cost;
      const there = await timesOf(python, [
        ...[family, preset, kind],
        `${kind === 'training' ? TRAINING : theirs}`,
      ]);
      pairs.push({ ms_per_image: here.ms_per_image, share: here.share, there });
      say(`${family} ${preset} ${kind}: ${here.ms_per_image}, ${JSON.stringify(there)}`);
    }
    yield { family, preset, kind, machine, pairs };
  }
}

const run = promisify(execFile);

async function versionOfTorch(python: string): Promise<string> {
  try {
    const { stdout } = await run(python, ['-c', 'import torch; print(torch.__version__)']);
    return stdout.trim();
  } catch (error) {
    const why = (error as Error).message.trim().split('\n').pop();
    throw new (lab().FisherlabError)(
      `'${python}' has no torch (${why})`,
      'name an interpreter that has it: python3 -m venv venv && venv/bin/pip install torch einops',
    );
  }
}

/** Milliseconds per image of each of PyTorch's methods. */
async function timesOf(python: string, words: readonly string[]): Promise<Record<string, number>> {
  const { stdout } = await run(python, [path.join(__dirname, 'peers.py'), ...words]);
  const lines = stdout.trim().split('\n');
  return Object.fromEntries(
    lines.map((line) => {
      const { method, ms_per_image } = JSON.parse(line) as { method: string; ms_per_image: number };
      return [method, Number(ms_per_image.toPrecision(4))];
    }),
  );
}
