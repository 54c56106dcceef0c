/**
 * # Choosing the TensorFlow.js backend
 *
 * There is one `tf` for the whole program, loaded when it is first used, and three engines below
 * it: `tensorflow` (the native library, at the machine's matrix rate), `wasm` and `cpu` (plain
 * JavaScript). `startBackend` takes the fastest that works, or the one that the environment
 * variable `FISHERLAB_BACKEND` names.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import util from 'node:util';
import { assertKnown, FisherlabError } from '../errors';
import { tf, withoutSourceMaps } from './lazy-tensorflow';

export { tf };

export const BACKENDS = ['tensorflow', 'wasm', 'cpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** What runs and, where it is not the native library, why. */
export interface BackendChoice {
  readonly name: BackendName;
  readonly reason: string;
}

let started: Promise<BackendChoice> | undefined;

/**
 * Starts the backend once a process; later calls return the same choice. Call it before the first
 * tensor is made.
 */
export function startBackend(): Promise<BackendChoice> {
  started ??= start();
  return started;
}

async function start(): Promise<BackendChoice> {
  // keeps the cpu backend from writing its banner to stderr when it is first used
  tf.env().set('IS_TEST', true);
  const choice = await choose(process.env.FISHERLAB_BACKEND);
  // it also makes tfjs look for leaks after every operation
  if (choice.name !== 'cpu') tf.env().set('IS_TEST', false);
  return choice;
}

async function choose(wanted: string | undefined): Promise<BackendChoice> {
  if (wanted !== undefined && wanted !== '') {
    assertKnown('FISHERLAB_BACKEND', wanted, BACKENDS);
    const problem = await begin(wanted);
    if (problem !== null)
      throw new FisherlabError(
        `backend '${wanted}' does not start: ${problem}`,
        'unset FISHERLAB_BACKEND or run npm run setup',
      );
    return { name: wanted, reason: 'chosen by FISHERLAB_BACKEND' };
  }
  const problem = await begin('tensorflow');
  if (problem === null) return { name: 'tensorflow', reason: 'native TensorFlow is installed' };
  const second = await begin('wasm');
  if (second === null) return { name: 'wasm', reason: problem };
  await begin('cpu');
  return { name: 'cpu', reason: `${problem}; wasm: ${second}` };
}

/** Where set-up puts the compiled addons. */
export function addonFolder(): string {
  return path.join(
    path.dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json')),
    'lib',
    'napi-v8',
  );
}

/** Tries one backend: null where it runs, else why it does not. */
async function begin(name: BackendName): Promise<string | null> {
  try {
    if (name === 'tensorflow') {
      const addons = addonFolder();
      const files = ['tfjs_binding.node', 'quiet.node', 'graph.node'];
      if (!files.every((name) => existsSync(path.join(addons, name))))
        return 'the native addon is not built (npm run setup builds it)';
      process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
      // else a graph cannot have fewer threads than eager operations
      process.env.TF_OVERRIDE_GLOBAL_THREADPOOL ??= '1';
      // Gone from Node 23 on, still called by tfjs-node 4.22.
      Object.assign(util, {
        isNullOrUndefined: (x: unknown) => x === null || x === undefined,
        isArray: Array.isArray,
      });
      // The library writes two lines to stderr while it is loaded; `quiet.node` (setup/quiet.cc)
      // keeps them back.
      const { quietly } = require(path.join(addons, 'quiet.node')) as {
        quietly: (load: () => unknown) => unknown;
      };
      quietly(() => withoutSourceMaps(() => require('@tensorflow/tfjs-node-gpu')));
    } else if (name === 'wasm') {
      require('@tensorflow/tfjs-backend-wasm');
    }
    return (await tf.setBackend(name)) ? null : 'its initialisation failed';
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? 'unknown';
  }
}
