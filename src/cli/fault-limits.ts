/**
 * # Machines with too little of something
 *
 * Runs the same command where something is missing: file handles, memory, disk space, a home
 * folder, the permission to write, the working directory. Also tries names that shells and programs
 * often get wrong. The command must either do its work or say in one line what is wrong, without a
 * stack trace, a crash or a hang.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Ended, fisherlab, type Run } from './fault-processes';

interface Limit {
  readonly name: string;
  /** How to run it in `folder`, and where its output goes. */
  readonly run: (folder: string) => Run & { readonly to?: string };
}

const SHELL: readonly (readonly [name: string, shell: string])[] = [
  ['24 file handles', 'ulimit -n 24 &&'],
  ['40 file handles', 'ulimit -n 40 &&'],
  ['64 file handles', 'ulimit -n 64 &&'],
  ['8 GB of addresses', 'ulimit -v 8000000 &&'],
  ['files of 1 kB at most', 'ulimit -f 1 &&'],
  ['files of 100 kB at most', 'ulimit -f 100 &&'],
  ['no time', 'ulimit -t 1 &&'],
  ['no home', 'unset HOME XDG_CACHE_HOME &&'],
  ['a home that is a device', 'export HOME=/dev/null XDG_CACHE_HOME=/dev/null &&'],
  ['a working directory that is gone', 'mkdir gone && cd gone && rmdir ../gone &&'],
  ['no standard input', 'exec <&- &&'],
  ['a full standard output', 'exec > /dev/full &&'],
];

const NAMES = [
  'two words',
  'ümläut',
  'quo\'te"s',
  'line\nbreak',
  '-dash',
  '$HOME',
  'x'.repeat(300),
  '',
];

const LIMITS: readonly Limit[] = [
  ...SHELL.map(([name, shell]) => ({ name, run: () => ({ shell }) })),
  ...NAMES.map((to) => ({
    name: `output into ${JSON.stringify(to.length > 20 ? `${to.slice(0, 3)}… of ${to.length}` : to)}`,
    run: (folder: string) => ({ to: to === '' ? '' : `${folder}/${to}` }),
  })),
  { name: 'output into a device', run: () => ({ to: '/dev/null' }) },
  { name: 'output into a file', run: () => ({ to: '/etc/hostname' }) },
  { name: 'output where nothing can be', run: () => ({ to: '/proc/self/x' }) },
  {
    name: 'a full disk (root)',
    run: (folder) => ({ shell: inMount(folder, 'size=8k'), to: path.join(folder, 'disk') }),
  },
  {
    name: 'a read-only disk (root)',
    run: (folder) => ({ shell: inMount(folder, 'ro'), to: path.join(folder, 'disk') }),
  },
];

/** A disk in memory, in a separate mount namespace that ends with the command. */
function inMount(folder: string, options: string): string {
  const mount = `mount -t tmpfs -o ${options} tmpfs ${folder}/disk`;
  // What follows, `exec` and the command, are the words of this shell from $0 on.
  return `mkdir ${folder}/disk && exec unshare --mount bash -c '${mount} && exec "$@"'`;
}

export interface Limited {
  readonly limits: number;
  /** How many did the work. */
  readonly worked: number;
  /** How many ended with a line that says what is wrong. */
  readonly refused: number;
  readonly findings: readonly string[];
}

/** Runs `fisherlab features` under every limit. */
export async function limit(names = LIMITS.map(({ name }) => name)): Promise<Limited> {
  const findings: string[] = [];
  const counts = { worked: 0, refused: 0 };
  for (const { name, run } of LIMITS.filter((one) => names.includes(one.name))) {
    const folder = await mkdtemp(path.join(tmpdir(), 'fisherlab-faults-'));
    try {
      await mkdir(path.join(folder, 'work'));
      const { to = path.join(folder, 'out'), ...how } = run(folder);
      const words = [
        'features',
        '--model',
        'vae-mnist',
        '--in',
        'mnist',
        '--limit',
        '100',
        '--to',
        to,
      ];
      const end = await fisherlab(words, { ...how, cwd: path.join(folder, 'work') });
      if (end.status === 0) counts.worked++;
      else if (isSaid(end)) counts.refused++;
      else findings.push(`${name}: ${JSON.stringify(end)}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return { limits: names.length, ...counts, findings };
}

/**
 * Whether the command ended with a line and without a stack trace, or was ended: a time limit kills
 * it (status null) without any output.
 */
function isSaid({ status, said, leftProcess }: Ended): boolean {
  return !leftProcess && !/^ {4}at /m.test(said) && (status === 1 || status === null);
}
