/**
 * # Killing long commands, and sending them signals
 *
 * A command first runs undisturbed, and the files it leaves are the expected result. Then it is
 * started again, killed without warning (SIGKILL) at a moment drawn from the seed, resumed, killed
 * again, and finally allowed to finish. Every kill counts. The files at the end must equal the
 * expected ones, byte for byte, and no half-written file may be left.
 *
 * A signal that can be handled (Ctrl-C, a closed terminal, `kill`) must end each command within two
 * seconds, with the status that shells expect, one line about what is kept, and no process left
 * over.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { official } from './fault-formats';
import { type Ended, fisherlab } from './fault-processes';
import { lab } from './lab';

/** A long command. */
interface Long {
  readonly name: string;
  /** The arguments of the command, which writes into a folder; `again` if it resumes. */
  readonly words: (folder: string, again: boolean) => string[];
  /** Prepares the folder first. */
  readonly prepare?: (folder: string) => Promise<void>;
  /** Whether a file belongs to the result. */
  readonly counts: (file: string) => boolean;
}

const NOTEBOOK = {
  cells: ['1 + 1', 'await new Promise((done) => setTimeout(done, 300)); 2 + 2', '3 + 3'].map(
    (source, k) => ({
      cell_type: 'code',
      execution_count: null,
      id: `cell-${k}`,
      metadata: {},
      outputs: [],
      source: [source],
    }),
  ),
  metadata: {
    kernelspec: { display_name: 'TypeScript', language: 'typescript', name: 'fisherlab' },
  },
  nbformat: 4,
  nbformat_minor: 5,
};

/** All the commands; downloads come from `url`. */
const longs = (url: string): Long[] => [
  {
    name: 'train',
    words: (folder, again) => [
      ...['train', '--model', 'vae', '--data', 'mnist', '--steps', '40', '--held', '16'],
      ...['--out', path.join(folder, 'run'), ...(again ? ['--resume'] : [])],
    ],
    counts: (file) => file === path.join('run', 'model.safetensors'),
  },
  {
    name: 'features',
    words: (folder) => [
      ...['features', '--model', 'vae-mnist', '--in', 'mnist', '--limit', '500'],
      ...['--batch-sizes', '1', '--to', folder],
    ],
    counts: () => true,
  },
  {
    name: 'notebooks --write',
    words: (folder) => ['bench', 'faults', '--worker', JSON.stringify({ notebook: folder })],
    prepare: (folder) => writeFile(path.join(folder, 'a.ipynb'), JSON.stringify(NOTEBOOK)),
    counts: (file) => file === 'a.ipynb' || file === path.join('out', 'a.ipynb'),
  },
  {
    name: 'data download',
    words: (folder) => ['bench', 'faults', '--worker', JSON.stringify({ download: folder, url })],
    counts: () => true,
  },
];

export interface Killed {
  readonly name: string;
  readonly kills: number;
  /** A line for each round that did not end with the expected files. */
  readonly findings: readonly string[];
}

/** Kills each long command `kills` times. */
export function kill(kills: number, seed: number, name: string): Promise<Killed> {
  return withLong(name, async (long) => {
    const { random } = lab();
    const [whole, took] = await inFolder(long, async (folder) => {
      const { status, said, milliseconds } = await fisherlab(long.words(folder, false));
      if (status !== 0) throw new Error(`${name} does not end well undisturbed: ${said}`);
      return [await contents(folder, long.counts), milliseconds] as const;
    });
    const findings: string[] = [];
    let done = 0;
    while (done < kills)
      await inFolder(long, async (folder) => {
        for (let k = 0; k < 3 && done < kills; k++, done++) {
          const after = took * random.uniformAt(seed, done);
          const words = long.words(folder, await isBegun(folder));
          const { status, said, leftProcess } = await fisherlab(words, {
            signal: { name: 'SIGKILL', after },
          });
          if (leftProcess) findings.push(`${name}, kill ${done}: a process outlived it`);
          if (status !== null && status !== 0) findings.push(`${name}, kill ${done}: ${said}`);
        }
        const { status, said } = await fisherlab(long.words(folder, await isBegun(folder)));
        const now = await contents(folder, long.counts);
        if (status !== 0) findings.push(`${name}, after kill ${done}: ${said}`);
        else if (now !== whole) findings.push(`${name}, after kill ${done}: other files\n${now}`);
      });
    return { name, kills, findings };
  });
}

/** Whether a training has left anything to resume. */
const isBegun = async (folder: string) =>
  (await readdir(path.join(folder, 'run')).catch(() => [])).some((file) =>
    file.endsWith('.safetensors'),
  );

export interface Signalled {
  readonly name: string;
  readonly signals: number;
  /** The longest time from a signal to the end, in milliseconds. */
  readonly slowest: number;
  readonly findings: readonly string[];
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** The longest time a command may run after a signal, in milliseconds. */
const AT_ONCE = 2000;

/** Sends each of the three signals once to a long command, at moments from the seed. */
export function signal(seed: number, name: string): Promise<Signalled> {
  return withLong(name, async (long) => {
    const took = await inFolder(
      long,
      async (folder) => (await fisherlab(long.words(folder, false))).milliseconds,
    );
    const ends: Ended[] = [];
    const findings: string[] = [];
    for (const [k, one] of SIGNALS.entries())
      await inFolder(long, async (folder) => {
        // wait until it handles signals: Node takes a while to start
        const after = took * (0.4 + 0.4 * lab().random.uniformAt(seed, k));
        const end = await fisherlab(long.words(folder, false), { signal: { name: one, after } });
        ends.push(end);
        const { status, said, afterSignal = 0, leftProcess } = end;
        // Ended by the system, it had not begun its work: there was nothing to keep or to say.
        const hadNotBegun = status === null && said === '';
        const isAsExpected = [0, 128 + constants.signals[one]].includes(status ?? -1);
        if (afterSignal > AT_ONCE || leftProcess || !(hadNotBegun || isAsExpected))
          findings.push(
            `${name}, ${one}: ${JSON.stringify({ status, afterSignal, leftProcess, said })}`,
          );
      });
    return {
      name,
      signals: SIGNALS.length,
      slowest: Math.round(Math.max(...ends.map(({ afterSignal = 0 }) => afterSignal))),
      findings,
    };
  });
}

/** The names of all commands that are killed. */
export const LONG = longs('').map(({ name }) => name);

async function withLong<T>(name: string, work: (long: Long) => Promise<T>): Promise<T> {
  // a server that sends official files slowly
  const server = http.createServer(async (request, response) => {
    const content = official()[path.posix.basename(request.url ?? '')] ?? Buffer.alloc(0);
    const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
    const range =
      from > 0 ? { 'Content-Range': `bytes ${from}-${content.length - 1}/${content.length}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { 'Content-Length': content.length - from, ...range });
    for (let at = from; at < content.length && !response.destroyed; at += 400) {
      response.write(content.subarray(at, at + 400));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return await work(longs(url).find((long) => long.name === name) as Long);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function inFolder<T>(long: Long, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'fisherlab-faults-'));
  try {
    await mkdir(path.join(folder, 'out'));
    await long.prepare?.(folder);
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The files of the result with their checksums, one per line. */
async function contents(folder: string, counts: Long['counts']): Promise<string> {
  const lines: string[] = [];
  for (const file of await readdir(folder, { recursive: true })) {
    if (!counts(file) || !(await stat(path.join(folder, file))).isFile()) continue;
    const bytes = await readFile(path.join(folder, file));
    lines.push(`${file} ${createHash('sha256').update(bytes).digest('hex')}`);
  }
  return lines.sort().join('\n');
}
