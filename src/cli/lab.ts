/**
 * # Loading the library only when a command runs
 *
 * A command's name, description and options are available at once. The library behind it, including
 * TensorFlow, is loaded when its action begins. So help, the version and errors about options
 * appear without delay. Files in this folder import only types from the front door `src/index.ts`,
 * and get values through `lab()`.
 */

export type Lab = typeof import('../index');

/** Everything `src/index.ts` exports. */
export function lab(): Lab {
  return require('../index');
}
