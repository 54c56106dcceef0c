/**
 * # For use in cells
 *
 * `import { check, progress, show, table } from './src/notebook/index'`. The runner of notebooks is `run.ts` and not among these.
 */
export { check, show, table } from './display';
export { progress } from './progress';
