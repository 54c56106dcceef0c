/**
 * # The folder of the checkout
 *
 * Weights, excerpts of data and results are stored beside the code. A notebook reaches the code
 * through the link `notebooks/src`, so links in the path of a loaded file are resolved first.
 */
import { realpathSync } from 'node:fs';
import path from 'node:path';

/** A path inside the checkout: `inCheckout('data', 'models')`. */
export function inCheckout(...parts: string[]): string {
  return path.join(realpathSync(__dirname), '..', '..', ...parts);
}
