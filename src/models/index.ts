/**
 * # Models: images to log-likelihoods, and back
 *
 * Three families to the letter of the paper's code, Glow, diffusion and VAE, and models of one's
 * own; checkpoints and state dictionaries.
 */
export { can, type WithPosterior } from './capabilities';
export {
  type CheckpointHeader,
  type CurvePoint,
  disposeModel,
  type LoadedModel,
  loadModel,
  modelTensors,
  saveCheckpoint,
  shippedModels,
} from './checkpoint';
export { Diffusion } from './diffusion';
export { createModel, type Family, type ModelConfig } from './families';
export { Glow, type GlowConfig } from './glow';
export {
  BITS_PER_DIM,
  bitsPerDim,
  checkImages,
  type ImageShape,
  type Model,
  TapedModel,
} from './model';
export { compareWithReference, readJson, relativeError } from './parity';
export { PRESETS, type PresetName, preset } from './presets';
export { type NamedTensor, readSafetensors, writeSafetensors } from './safetensors';
export { type StateDictReport, setStateDict, stateDict } from './state-dict';
export { Vae } from './vae';

// What a model's `gradients` is called with, for the rooms above.

export {
  Collector,
  gradientsOfGroups,
  type Layer,
  setLayer,
  summedGradients,
} from '../gradients/index';
