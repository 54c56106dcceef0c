/**
 * # Functions that are their text
 *
 * What a function computes depends on its arguments, on its text, and on what it *closes over*: a
 * number in the cell above, a helper, the engine. Only the first two can be part of a key. So the
 * function is made again from its text in a world of its own, which has the language's built-in
 * objects and nothing else: no variables of a notebook, no modules, no clock, no dice. If it works
 * there, its numbers depend on nothing that its text does not show; if it names anything else, it
 * fails there with a ReferenceError.
 *
 * Typed arrays are those of this world, since the engine tells arrays by their class.
 */
import vm from 'node:vm';

const SHARED = { Float32Array, Float64Array, Int32Array, Uint8Array };
const WITHOUT = 'delete globalThis.Date; delete globalThis.Math.random;';

/**
 * The function made again from its text, which may fail when it is called; null if its text is no
 * expression (a method, a bound or native function).
 */
export function fromItsText<F extends (...given: never[]) => unknown>(given: F): F | null {
  const world = vm.createContext({ ...SHARED });
  try {
    vm.runInContext(WITHOUT, world);
    return vm.runInContext(`'use strict'; (${given})`, world) as F;
  } catch {
    return null;
  }
}
