/**
 * # Functions that depend on nothing but their text
 *
 * What a function computes depends on its arguments, on its text, and on what it *closes over*: a
 * number in the cell above, a helper, the engine. Only the first two can be part of a cache key. So
 * the function is compiled again from its text in a separate context that has the built-in objects
 * of the language and nothing else: no notebook variables, no modules, no clock, no random numbers.
 * If the function works there, its results depend only on its arguments and its text. If it uses
 * any other name, it fails there with a ReferenceError.
 *
 * Typed arrays are shared with the main context, because the engine recognises arrays by their
 * class.
 */
import vm from 'node:vm';

const SHARED = { Float32Array, Float64Array, Int32Array, Uint8Array };
const WITHOUT = 'delete globalThis.Date; delete globalThis.Math.random;';

/**
 * Compiles a function again from its text. The new function may fail when it is called. Returns
 * null if the text is not an expression (a method, a bound function or a native one).
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
