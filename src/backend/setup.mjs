/**
 * # Set-up
 *
 * `node src/backend/setup.mjs [program arguments…]` makes a bare clone ready and then, where a
 * program is named, runs it; `npm start` and `npm test` are that. Four steps, each of which does
 * nothing where nothing is to do:
 *
 * 1. the npm packages (`setup/packages.mjs`), without which nothing runs;
 * 2. the native TensorFlow library (`setup/native.mjs`) and 3. its addon (`setup/addon.mjs`):
 *    without them the `wasm` backend runs;
 * 4. JupyterLab (`setup/jupyter.mjs`): without it there is no `npm run lab`.
 *
 * Every step is atomic and waits for another set-up at the same thing, so that set-up may be killed
 * at any moment and run again. It ends in one line: which backend runs and, if not the native one,
 * why and what to install.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { compiledAddon, installAddon, needCompiler } from './setup/addon.mjs';
import { cacheCandidates } from './setup/cache.mjs';
import { choiceLine, wantedBackend } from './setup/choice.mjs';
import { installJupyter } from './setup/jupyter.mjs';
import { givenLibrary, nativeLibrary } from './setup/native.mjs';
import { installPackages } from './setup/packages.mjs';
import { Obstacle, running } from './setup/shell.mjs';

const root = path.resolve(path.dirname(process.argv[1] ?? ''), '..', '..');
const caches = cacheCandidates(process.env, root);

/** @param {string} line */
const say = (line) => process.stderr.write(`${line}\n`);

/**
 * Does `work`; an obstacle is returned rather than thrown, since the program runs without what was
 * to be had.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T | Obstacle>}
 */
async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Obstacle) return error;
    // The file system's own refusals: a full disk, a read-only folder.
    return new Obstacle(
      error instanceof Error ? error.message : String(error),
      'see that the cache folder can be written',
    );
  }
}

/** @param {string | null} given the folder of a TensorFlow of the user's own */
async function native(given) {
  const prerequisite = () => needCompiler(root, caches);
  const library = given ?? (await nativeLibrary(caches, prerequisite, say));
  await installAddon(root, await compiledAddon(root, caches, library, say));
}

/** @returns {Promise<string | null>} the folder with Jupyter's programs */
async function setUp() {
  const wanted = wantedBackend(process.env.FISHERLAB_BACKEND);
  const given = givenLibrary(process.env.FISHERLAB_TENSORFLOW);
  await installPackages(root, say);
  const obstacle =
    wanted === 'wasm' || wanted === 'cpu' ? undefined : await attempt(() => native(given));
  if (wanted === 'tensorflow' && obstacle !== undefined) throw obstacle;
  const jupyter = await attempt(() => installJupyter(root, caches, say));
  if (jupyter instanceof Obstacle)
    say(`JupyterLab is not installed: ${jupyter.message}. Only npm run lab needs it.`);
  process.stdout.write(`${choiceLine(wanted, obstacle ?? null)}\n`);
  return jupyter instanceof Obstacle ? null : jupyter;
}

/**
 * Runs the command that set-up was for, in the clone, with the programs of the npm packages and of
 * Jupyter within reach.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {string | null} jupyter
 */
function runAfterwards(program, args, jupyter) {
  if (program === 'jupyter' && jupyter === null)
    throw new Obstacle('JupyterLab is not installed', 'see the note above');
  const within = [
    path.join(root, 'node_modules', '.bin'),
    ...(jupyter === null ? [] : [jupyter]),
    process.env.PATH ?? '',
  ];
  const env = { ...process.env, PATH: within.join(path.delimiter) };
  const child = spawn(program === 'node' ? process.execPath : program, args, {
    stdio: 'inherit',
    env,
    shell: process.platform === 'win32',
  });
  afterwards = child;
  child.on('error', (error) => {
    say(`${program} cannot be run (${error.message})`);
    process.exitCode = 1;
  });
  child.on('close', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 1;
  });
}

/**
 * The program that set-up was for. It decides itself what a signal means (Jupyter asks, then ends
 * its kernels), and set-up ends with it.
 *
 * @type {import('node:child_process').ChildProcess | undefined}
 */
let afterwards;

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    if (afterwards !== undefined) {
      // Ctrl-C in a terminal has reached the program already; twice would mean "without asking".
      if (signal !== 'SIGINT' || !process.stdin.isTTY) afterwards.kill(signal);
      return;
    }
    for (const child of running) child.kill(signal);
    process.exit(signal === 'SIGINT' ? 130 : 143);
  });
}

setUp()
  .then((jupyter) => {
    const [program, ...args] = process.argv.slice(2);
    if (program !== undefined) runAfterwards(program, args, jupyter);
  })
  .catch((error) => {
    say(error instanceof Obstacle ? error.message : String(error?.stack ?? error));
    process.exitCode = 1;
  });
