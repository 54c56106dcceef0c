/**
 * # `fisherlab bench faults`: the fault campaign
 *
 *     fisherlab bench faults                    everything: 5,000 damaged files, 100 kills
 *     fisherlab bench faults --seed 2 --keep    another seed; its table goes into environment.md
 *
 *     fisherlab bench faults --only parquet     the parts with this in their name
 *
 * Everything random is drawn from the seed. Each part runs in its own process, which may crash.
 * Finished parts are kept in `out/faults-SEED.json`, and the same command resumes from there. A
 * part with findings does not count as finished: its findings are printed, and it is run again the
 * next time.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { experiments } from '../index';
import { entryOf, formats, official } from './fault-formats';
import { type Fuzzed, fuzz } from './fault-fuzz';
import { type Killed, kill, LONG, type Signalled, signal } from './fault-kills';
import { type Limited, limit } from './fault-limits';
import { stoppableAnywhere } from './interruption';
import { lab } from './lab';

/** How many files of each format are damaged, and how often each long command is killed. */
const FILES = 360;
const KILLS = 25;

/** What the process of one part is asked to do. */
interface Work {
  readonly fuzz?: string;
  readonly files?: number;
  readonly kill?: string;
  readonly kills?: number;
  readonly signal?: string;
  readonly limit?: boolean;
  readonly seed?: number;
  /** Folders for the commands that are killed. */
  readonly notebook?: string;
  readonly download?: string;
  readonly url?: string;
}

/** Runs one part in this process and prints the result as a line of JSON. */
export async function faultWorker(json: string): Promise<void> {
  const work = JSON.parse(json) as Work;
  const { seed = 1, files = FILES, kills = KILLS } = work;
  if (work.notebook !== undefined) return runNotebook(work.notebook);
  if (work.download !== undefined) return downloadInto(work.download, work.url ?? '');
  const found =
    work.fuzz !== undefined
      ? await fuzz(work.fuzz, files, seed)
      : work.kill !== undefined
        ? await kill(kills, seed, work.kill)
        : work.signal !== undefined
          ? await signal(seed, work.signal)
          : await limit();
  console.log(JSON.stringify(found));
}

function runNotebook(folder: string): Promise<void> {
  const { notebook } = lab();
  return stoppableAnywhere('stopped; the notebook is unchanged', async () => {
    const out = path.join(folder, 'out');
    await notebook.publishNotebooks([path.join(folder, 'a.ipynb')], { out, write: true });
  });
}

function downloadInto(folder: string, url: string): Promise<void> {
  process.env.XDG_CACHE_HOME = folder;
  return stoppableAnywhere('stopped; run the same command again to resume', async () => {
    await lab().data.download('mnist', { entry: entryOf('mnist', official(), url) });
  });
}

/** Runs the campaign; results so far are kept in a file. */
export async function faultCampaign(seed: number, keep: boolean, only = ''): Promise<void> {
  const { backend, experiments, FisherlabError, terminal } = lab();
  const file = backend.inCheckout('out', `faults-${seed}.json`);
  const faults = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as experiments.Fault[],
    (): experiments.Fault[] => [],
  );
  let findings = 0;
  const all = parts(seed);
  for (const part of all.filter(({ what }) => what.includes(only))) {
    if (faults.some(({ what }) => what === part.what)) continue;
    const found = await inItsOwnProcess(part.work);
    for (const finding of found.findings) console.log(finding);
    findings += found.findings.length;
    const fault = { what: part.what, ...part.row(found) };
    console.log(`${fault.what}: ${fault.survived} of ${fault.tried}; ${fault.note}`);
    if (found.findings.length > 0) continue;
    faults.push(fault);
    const order = all.map(({ what }) => what);
    faults.sort((a, b) => order.indexOf(a.what) - order.indexOf(b.what));
    await backend.writeJson(file, faults);
  }
  console.log(terminal.tableText(faults.map((fault) => ({ ...fault }))));
  if (findings > 0)
    throw new FisherlabError(`${findings} faults were not survived`, 'see the lines above');
  if (keep) {
    await experiments.keepFaults({ seed, faults });
    await experiments.fillPages();
  }
}

type Found = Partial<Fuzzed & Killed & Signalled & Limited> & {
  readonly findings: readonly string[];
};

interface Part {
  readonly what: string;
  readonly work: Work;
  readonly row: (found: Found) => Omit<experiments.Fault, 'what'>;
}

function parts(seed: number): Part[] {
  return [
    ...formats().map(({ name }) => ({
      what: `damaged files: ${name}`,
      work: { fuzz: name, seed },
      row: ({ refused = 0, read = 0, megabytes = 0 }: Found) => ({
        tried: FILES,
        survived: refused + read,
        note: `${refused} refused in a line, ${read} read (the damage hit nothing that is checked); peak ${megabytes} MB`,
      }),
    })),
    ...LONG.map((name) => ({
      what: `kills: ${name}`,
      work: { kill: name, seed },
      row: ({ findings }: Found) => ({
        tried: KILLS,
        survived: KILLS - Math.min(KILLS, findings.length),
        note: 'the same files in the end, byte for byte',
      }),
    })),
    ...LONG.map((name) => ({
      what: `signals: ${name}`,
      work: { signal: name, seed },
      row: ({ signals = 0, slowest = 0, findings }: Found) => ({
        tried: signals,
        survived: signals - findings.length,
        note: `ended after at most ${slowest} ms, no process left`,
      }),
    })),
    {
      what: 'limits: handles, memory, room, home, names',
      work: { limit: true },
      row: ({ limits = 0, worked = 0, refused = 0 }: Found) => ({
        tried: limits,
        survived: worked + refused,
        note: `${worked} did their work, ${refused} said in a line why not`,
      }),
    },
  ];
}

function inItsOwnProcess(work: Work): Promise<Found> {
  const words = ['bench', 'faults', '--worker', JSON.stringify(work)];
  const program = lab().backend.inCheckout('bin', 'fisherlab.js');
  const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => {
    out += data;
  });
  child.stderr.on('data', (data: Buffer) => {
    err += data;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, killed) => {
      const line = out.trim().split('\n').pop() ?? '';
      resolve(
        status === 0 && line !== ''
          ? (JSON.parse(line) as Found)
          : { findings: [`${JSON.stringify(work)} ended with ${killed ?? status}: ${err}`] },
      );
    });
  });
}
