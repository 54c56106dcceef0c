/**
 * # The native addon
 *
 * The bridge between Node and TensorFlow's C library is two C++ files of the npm package. They are
 * compiled once a user (15 s) into the cache and copied into each clone's `node_modules`. The addon
 * uses Node-API 8, which every later Node keeps: one build serves all versions of Node. Where the
 * library lies is written into the addon (`rpath`), so it is part of the build's key.
 *
 * Beside it lie two small addons of this project, `quiet.cc` and `../graph.cc`.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { cacheKey, isWhole, publish, writableCache } from './cache.mjs';
import { withLock } from './lock.mjs';
import { libraryFolder } from './native.mjs';
import { findProgram, mustRun, Obstacle, run } from './shell.mjs';
import { step } from './step.mjs';

const FILES = ['tfjs_binding.node', 'quiet.node', 'graph.node'];
const FLAGS = ['-O2', '-fPIC', '-shared', '-std=c++17', '-DNAPI_VERSION=8'];

const NO_COMPILER = () =>
  new Obstacle('no C++ compiler was found', 'install one (Debian, Ubuntu: apt install g++)');

/**
 * Starts the native backend in a process of its own, where a processor that lacks an instruction
 * can do no harm, and multiplies.
 */
const PROOF = `
require('tsx/cjs');
const { startBackend, tf } = require('./src/backend/index.ts');
startBackend().then(() => {
  const a = tf.tensor2d([[1, 2], [3, 4]]);
  if (tf.sum(tf.matMul(a, a)).dataSync()[0] !== 54) throw new Error('its matrix product is wrong');
}).catch((error) => { console.error(error.message); process.exit(1); });
`;

/**
 * The folders of a clone that the addon is built from and goes to.
 *
 * @param {string} root
 */
function places(root) {
  const modules = path.join(root, 'node_modules');
  const npmPackage = path.join(modules, '@tensorflow', 'tfjs-node-gpu');
  return {
    binding: path.join(npmPackage, 'binding'),
    installed: path.join(npmPackage, 'lib', 'napi-v8'),
    nodeHeaders: path.join(modules, 'node-api-headers', 'include'),
    quiet: path.join(root, 'src', 'backend', 'setup', 'quiet.cc'),
    graph: path.join(root, 'src', 'backend', 'graph.cc'),
  };
}

/**
 * The C++ compiler: `CXX` where it is set (it may carry arguments), else the first there is.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {[string, ...string[]] | null}
 */
export function findCompiler(env) {
  for (const candidate of [env.CXX ?? '', 'g++', 'c++', 'clang++']) {
    const [name = '', ...args] = candidate.trim().split(/\s+/);
    const program = name === '' ? null : findProgram(name, env);
    if (program !== null) return [program, ...args];
  }
  return null;
}

/**
 * Fails early, before a long download, where the addon could not be compiled.
 *
 * @param {string} root
 * @param {string[]} caches
 * @throws {Obstacle}
 */
export function needCompiler(root, caches) {
  if (findCompiler(process.env) !== null) return;
  const library = caches.map(libraryFolder).find(isWhole);
  if (library !== undefined && caches.some((cache) => isWhole(addonFolder(root, cache, library))))
    return;
  throw NO_COMPILER();
}

/**
 * The addon's place in a cache folder, by what it depends on.
 *
 * @param {string} root
 * @param {string} cache
 * @param {string} library
 */
export function addonFolder(root, cache, library) {
  const { binding, quiet, graph } = places(root);
  const sources = readdirSync(binding).sort();
  const contents = sources.map((name) => readFileSync(path.join(binding, name)));
  return path.join(
    cache,
    `addon-${cacheKey(...FLAGS, library, ...sources, ...contents, readFileSync(quiet), readFileSync(graph))}`,
  );
}

/**
 * The folder with the compiled addon.
 *
 * @param {string} root
 * @param {string[]} caches the folders that may hold it, best first
 * @param {string} library the folder of the native library
 * @param {(line: string) => void} say
 * @returns {Promise<string>}
 * @throws {Obstacle}
 */
export async function compiledAddon(root, caches, library, say) {
  const ready = caches.map((cache) => addonFolder(root, cache, library)).find(isWhole);
  if (ready !== undefined) return ready;
  const folder = addonFolder(root, writableCache(caches), library);
  await withLock(
    `${folder}.lock`,
    async (started) => {
      if (isWhole(folder)) return; // another set-up did it meanwhile
      await publish(folder, (part) =>
        step('native TensorFlow, compiling the addon', () => compile(root, library, part, started)),
      );
    },
    { waiting: (pid) => say(`another set-up (process ${pid}) compiles the addon: waiting for it`) },
  );
  return folder;
}

/**
 * @param {string} root
 * @param {string} library
 * @param {string} part the folder the compiler writes to
 * @param {(pid: number) => void} started
 */
async function compile(root, library, part, started) {
  const found = findCompiler(process.env);
  if (found === null) throw NO_COMPILER();
  const [program, ...first] = found;
  const { binding, nodeHeaders, quiet, graph } = places(root);
  const libraries = path.join(library, 'tensorflow');
  const include = ['..', '.', nodeHeaders, path.join(libraries, 'include')].map(
    (folder) => `-I${folder}`,
  );
  const link = [
    `-L${libraries}`,
    '-l:libtensorflow_cc.so.2',
    '-l:libtensorflow_framework.so.2',
    '-Xlinker',
    '-rpath',
    '-Xlinker',
    libraries,
  ];
  /** @param {string[]} args */
  const compiler = (args) =>
    mustRun(program, [...first, ...FLAGS, ...include, ...args], {
      cwd: binding,
      started,
      problem: 'the native addon does not compile',
      fix: 'see that the C++ compiler knows C++17 (g++ 8 or later)',
    });
  await compiler([
    'tfjs_backend.cc',
    'tfjs_binding.cc',
    '-o',
    path.join(part, 'tfjs_binding.node'),
    ...link,
  ]);
  await compiler([quiet, '-o', path.join(part, 'quiet.node')]);
  await compiler([graph, '-o', path.join(part, 'graph.node'), ...link]);
}

/**
 * Puts the addon into the clone, if it is not there, and proves that it works.
 *
 * @param {string} root
 * @param {string} addon the folder with the compiled addon
 * @throws {Obstacle} where it does not work; it is taken away again then
 */
export async function installAddon(root, addon) {
  const { installed } = places(root);
  // written last, so that a trial that was cut short is made again
  const proof = path.join(installed, 'proven');
  const same = FILES.every((name) => {
    const file = path.join(installed, name);
    return existsSync(file) && readFileSync(file).equals(readFileSync(path.join(addon, name)));
  });
  if (same && existsSync(proof)) return;
  await step('native TensorFlow, trying it', async () => {
    mkdirSync(installed, { recursive: true });
    rmSync(proof, { force: true });
    for (const name of FILES) {
      const beside = path.join(installed, `${name}.${process.pid}`);
      copyFileSync(path.join(addon, name), beside);
      renameSync(beside, path.join(installed, name));
    }
    const { code, signal, output } = await run(process.execPath, ['-e', PROOF], {
      cwd: root,
      env: { ...process.env, FISHERLAB_BACKEND: 'tensorflow' },
    });
    if (code === 0) {
      writeFileSync(proof, '');
      return;
    }
    for (const name of FILES) rmSync(path.join(installed, name), { force: true });
    throw new Obstacle(
      `native TensorFlow does not run here (${signal === null ? output.trim().split('\n').at(-1) : `ended by ${signal}`})`,
      'fisherlab runs without it, only slower',
    );
  });
}
