/**
 * # Which backend was asked for, and what set-up says about it at the end
 */
import { Obstacle } from './shell.mjs';

/**
 * As `BACKENDS` of `src/backend/index.ts`, which cannot be imported before the packages are there.
 */
const BACKENDS = /** @type {const} */ (['tensorflow', 'wasm', 'cpu']);

/** @typedef {(typeof BACKENDS)[number]} BackendName */

/**
 * @param {string | undefined} value of the environment variable `FISHERLAB_BACKEND`
 * @returns {BackendName | null} null where none is asked for
 * @throws {Obstacle} where the name is not known
 */
export function wantedBackend(value) {
  if (value === undefined || value === '') return null;
  const known = BACKENDS.find((name) => name === value);
  if (known === undefined)
    throw new Obstacle(
      `FISHERLAB_BACKEND '${value}' is not known`,
      `choose one of ${BACKENDS.join(', ')}`,
    );
  return known;
}

/**
 * The line that set-up ends with.
 *
 * @param {BackendName | null} wanted
 * @param {Obstacle | null} obstacle what keeps the native library from running
 * @returns {string}
 */
export function choiceLine(wanted, obstacle) {
  if (wanted !== null) return `Backend: ${wanted}, chosen by FISHERLAB_BACKEND`;
  if (obstacle === null) return 'Backend: tensorflow (the native library)';
  return `Backend: wasm, much slower than native TensorFlow: ${obstacle.message}`;
}
