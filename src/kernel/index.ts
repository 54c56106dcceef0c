/**
 * # Kernel: cells of notebooks, run with Jupyter and without
 *
 * The process is started by files (`main.cjs`, `headless.cjs`) and spoken to by messages; nothing
 * of the program runs in it but what cells load.
 */
import path from 'node:path';

export type { HeadlessRequest } from './headless';
export { installKernel, kernelFolder, uninstallKernel } from './install';
export { KERNELSPEC, LANGUAGE_INFO } from './language-info';
export type { Event, ShownError } from './messages';

/** The script of the process in which cells run without Jupyter. */
export const HEADLESS = path.join(__dirname, 'headless-process.cjs');

/** The kernel's benchmark, loaded when it is asked for: it brings ZeroMQ along. */
export const benchmark = (): typeof import('./bench') & typeof import('./bench-memory') => ({
  ...require('./bench'),
  ...require('./bench-memory'),
});
