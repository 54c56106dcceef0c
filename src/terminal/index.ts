/**
 * # Terminal: output as text
 *
 * Progress with the time left, tables as text, durations in words.
 */

export { labelOf } from '../set-names';
export { display, inNotebook, kernelDisplay } from './host';
export { barForEachStep, duration, type Progress, progress, thisScreen } from './progress';
export { type Table, type TextColumn, tableText, textColumns } from './text-table';
