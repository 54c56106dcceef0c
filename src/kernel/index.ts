/**
 * # Kernel: cells of notebooks, run with Jupyter and without
 *
 * The process is started by `main.cjs` or `headless.cjs` and communicates by messages. Only the
 * parts of the program that cells load run in it.
 */
import path from 'node:path';

export type { HeadlessRequest } from './headless';
export { installKernel, kernelFolder, uninstallKernel } from './install';
export { KERNELSPEC, LANGUAGE_INFO } from './language-info';
export type { Event, ShownError } from './messages';

/** The script of the process that runs cells without Jupyter. */
export const HEADLESS = path.join(__dirname, 'headless-process.cjs');

/** The kernel's benchmarks, loaded only when needed, because they load ZeroMQ. */
export const benchmark = (): typeof import('./bench') & typeof import('./bench-memory') => ({
  ...require('./bench'),
  ...require('./bench-memory'),
});
