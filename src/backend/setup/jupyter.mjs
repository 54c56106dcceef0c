/**
 * # JupyterLab
 *
 * `npm run lab` and the checks that the notebooks run in real Jupyter need JupyterLab, nbclient and
 * nbconvert; the tests of the kernel need Jupyter's own suite for kernels. These Python packages
 * live in a Python environment of their own in the cache, with the kernels fisherlab and tslab.
 * Nothing else needs them: where they cannot be had, a note says why.
 *
 * An environment's programs hold its path, so it is built in place and a mark, written last, says
 * that it is whole.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheKey, folderBytes, needSpace, writableCache } from './cache.mjs';
import { withLock } from './lock.mjs';
import { findProgram, mustRun, Obstacle } from './shell.mjs';
import { step } from './step.mjs';

const REQUIREMENTS = [
  'jupyterlab>=4.2,<5',
  'nbclient>=0.10,<1',
  'nbconvert>=7.16,<8',
  'jupyter_kernel_test>=0.7,<1',
  // What binds the book (`notebook/book.ts`).
  'sphinx>=8,<9',
  'myst-nb>=1.2,<2',
  'sphinx-book-theme>=1.1,<2',
  'sphinx-mathjax-offline>=0.0.2,<1',
];
/** About what they take, for the progress and the check of the disk. */
const BYTES = 350e6;

const PROGRAMS = process.platform === 'win32' ? 'Scripts' : 'bin';
const PYTHON = process.platform === 'win32' ? 'python' : 'python3';
const MARK = 'whole';

/** What Jupyter reads about the kernels; it puts the folder of this file for `{resource_dir}`. */
const KERNELS = {
  fisherlab: {
    argv: ['node', '{resource_dir}/kernel.cjs', '{connection_file}', 'fisherlab'],
    display_name: 'TypeScript (fisherlab)',
    language: 'typescript',
    interrupt_mode: 'message',
  },
  tslab: {
    argv: ['node', '{resource_dir}/kernel.cjs', '{connection_file}', 'tslab'],
    display_name: 'TypeScript (tslab)',
    language: 'typescript',
  },
};

/**
 * @param {string} root
 * @param {string} cache
 */
function environmentFolder(root, cache) {
  const launcher = readFileSync(path.join(root, 'src', 'backend', 'setup', 'kernel.cjs'));
  return path.join(
    cache,
    `jupyter-${cacheKey(...REQUIREMENTS, JSON.stringify(KERNELS), launcher)}`,
  );
}

/**
 * The folder with the programs `jupyter` and `python`, or null where none is installed.
 *
 * @param {string} root the clone
 * @param {string[]} caches the folders that may hold it, best first (`cacheCandidates`)
 * @returns {string | null}
 */
export function jupyterPrograms(root, caches) {
  const whole = caches
    .map((cache) => environmentFolder(root, cache))
    // The second file is a link to the Python it was made with, which may have been removed since.
    .find(
      (folder) =>
        existsSync(path.join(folder, MARK)) &&
        existsSync(
          path.join(folder, PROGRAMS, process.platform === 'win32' ? 'python.exe' : 'python'),
        ),
    );
  return whole === undefined ? null : path.join(whole, PROGRAMS);
}

/**
 * Makes the environment where there is none.
 *
 * @param {string} root the clone
 * @param {string[]} caches the folders that may hold it, best first
 * @param {(line: string) => void} say
 * @returns {Promise<string>} the folder with the programs
 * @throws {Obstacle}
 */
export async function installJupyter(root, caches, say) {
  const ready = jupyterPrograms(root, caches);
  if (ready !== null) return ready;
  const python = findProgram(PYTHON);
  if (python === null)
    throw new Obstacle(
      `${PYTHON} was not found`,
      'install python3 with venv (Debian, Ubuntu: apt install python3-venv)',
    );
  const cache = writableCache(caches);
  const folder = environmentFolder(root, cache);
  await withLock(
    `${folder}.lock`,
    async (started) => {
      if (jupyterPrograms(root, [cache]) !== null) return; // another set-up did it meanwhile
      needSpace(cache, Math.ceil((1.3 * BYTES) / 1e6));
      rmSync(folder, { recursive: true, force: true });
      try {
        await step('JupyterLab', () => build(python, root, folder, started), {
          fraction: () => folderBytes(folder) / BYTES,
        });
      } catch (error) {
        rmSync(folder, { recursive: true, force: true });
        throw error;
      }
    },
    {
      waiting: (pid) => say(`another set-up (process ${pid}) installs JupyterLab: waiting for it`),
    },
  );
  return path.join(folder, PROGRAMS);
}

/**
 * @param {string} python
 * @param {string} root
 * @param {string} folder
 * @param {(pid: number) => void} started
 */
async function build(python, root, folder, started) {
  await mustRun(python, ['-m', 'venv', folder], {
    started,
    problem: 'a Python environment cannot be made',
    fix: 'install venv (Debian, Ubuntu: apt install python3-venv)',
  });
  const pip = [
    '-m',
    'pip',
    'install',
    '--no-cache-dir',
    '--disable-pip-version-check',
    '--retries',
    '2',
    ...REQUIREMENTS,
  ];
  await mustRun(path.join(folder, PROGRAMS, 'python'), pip, {
    started,
    problem: 'pip cannot install JupyterLab',
    fix: 'see that pip can reach its package index',
  });
  for (const [name, spec] of Object.entries(KERNELS)) {
    const kernel = path.join(folder, 'share', 'jupyter', 'kernels', name);
    mkdirSync(kernel, { recursive: true });
    copyFileSync(
      path.join(root, 'src', 'backend', 'setup', 'kernel.cjs'),
      path.join(kernel, 'kernel.cjs'),
    );
    writeFileSync(path.join(kernel, 'kernel.json'), `${JSON.stringify(spec, null, 2)}\n`);
  }
  writeFileSync(path.join(folder, MARK), '');
}
