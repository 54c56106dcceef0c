/**
 * # Models: images to log-likelihoods, and back
 *
 * Glow, diffusion and VAE, exactly as in the paper's code; families and models of your own;
 * checkpoints and state dictionaries.
 */
export {
  can,
  type WithLatents,
  type WithPosterior,
  type WithReconstructions,
} from './capabilities';
export {
  disposeModel,
  type LoadedModel,
  loadModel,
  modelTensors,
  saveCheckpoint,
  shippedBackgroundOf,
  shippedHeader,
  shippedModels,
} from './checkpoint';
export { count, counts, index } from './config-entries';
export { Diffusion } from './diffusion/diffusion';
export {
  createModel,
  drawsOf,
  familyOf,
  noiseIsRounding,
  PAPER_FAMILIES,
  type PaperFamily,
  preset,
  registerFamily,
  titleOf,
} from './families';
export {
  type CardBits,
  type CardMaterial,
  type Family,
  type FamilyConfig,
  type ModelConfig,
  PRESETS,
  type PresetName,
  type TrainingDefaults,
} from './family';
export { Glow } from './glow/glow';
export type { GlowConfig } from './glow/glow-family';
export { type CheckpointHeader, CURVE, type CurvePoint, isBackground } from './header';
export { LayerList } from './layer-list';
export {
  BITS_PER_DIM,
  bitsPerDim,
  checkImages,
  type ImageShape,
  type Model,
  TapedModel,
} from './model';
export { type OrdinaryModel, ordinaryModel } from './ordinary';
export { compareWithReference, readJson, relativeError } from './parity';
export { type NamedTensor, readMetadata, readSafetensors, writeSafetensors } from './safetensors';
export { type StateDictReport, setStateDict, stateDict } from './state-dict';
export { Vae } from './vae/vae';

// What a model's `gradients` is called with, for the rooms above.

export {
  bytesPerImage,
  Collector,
  gradientsOfGroups,
  graphPays,
  type Layer,
  setLayer,
  summedGradients,
} from '../gradients/index';
