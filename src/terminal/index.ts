/**
 * # Terminal: what long work says of itself
 *
 * Progress with the time that is left, tables as text, durations as people say them.
 */

export { labelOf } from '../set-names';
export { display, inNotebook, kernelDisplay } from './host';
export { barForEachStep, duration, type Progress, progress, thisScreen } from './progress';
export { type Table, type TextColumn, tableText, textColumns } from './text-table';
