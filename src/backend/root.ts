/**
 * # Where the checkout lies
 *
 * Weights, excerpts of data and results lie beside the code. A notebook reaches the code through
 * the link `notebooks/src`, so the path a file was loaded by is followed to the real one first.
 */
import { realpathSync } from 'node:fs';
import path from 'node:path';

/** A path inside the checkout: `inCheckout('data', 'models')`. */
export function inCheckout(...parts: string[]): string {
  return path.join(realpathSync(__dirname), '..', '..', ...parts);
}
