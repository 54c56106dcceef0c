/**
 * # Notebook: what a cell shows, and running cells without Jupyter
 */

export { intervalText as interval } from '../interval-text';
export { barForEachStep, progress } from '../terminal/index';
export { makeBook } from './book';
export { check, show, table } from './display';
export { readNotebook } from './ipynb';
export { type Position, showMoving } from './moving';
export { page } from './page';
export { findNotebooks, publishNotebooks } from './publish';
export { richData } from './rich-data';
export type { NotebookRun, RunEvent, RunOptions } from './run';
export { escapeHtml, tableHtml } from './table-html';
export { bundleMetadata } from './value-figure';
