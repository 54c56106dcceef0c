/**
 * # Training: from a family's defaults to a checkpoint
 *
 * Optimisers, one loop, and a run on disk that can be interrupted at any moment and resumes bit for
 * bit.
 */
export { evaluate } from './held-out-loss';
export { type RunChoices, runOf } from './run-config';
export { type RunConfig, run } from './run-folder';
export { StepGradient } from './step-gradient';
export type { TrainingState } from './train';
export { Weights } from './weights';
