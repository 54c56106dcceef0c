/**
 * # The library, when a command runs
 *
 * A command's name, description and options are there at once; the library behind it, TensorFlow
 * and all, is loaded when its action begins. So help, the version and what is wrong with an option
 * are said without waiting. Files of this folder import types from the front door, and values
 * through `lab()`.
 */

export type Lab = typeof import('../index');

/** The front door. */
export function lab(): Lab {
  return require('../index');
}
