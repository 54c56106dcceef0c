/**
 * # Fisher information
 *
 * The Fisher information of a model at its own parameters is the second moment of its score,
 *
 *     F = E_{y ~ p^θ}[ ∇_θ log p^θ(y) ∇_θ log p^θ(y)ᵀ ],      F̂ = 1/N Σ_n g_n g_nᵀ.
 *
 * It has |θ|² entries, far too many to store. The questions asked here need less: traces
 * and diagonals (`estimate.ts`), windows of chosen weights (`windows.ts`), the spectrum of a
 * layer's block through the N×N Gram matrix of gradients (`spectrum.ts`), correlations of layer
 * norms over depth (`decorrelation.ts`). How much the paper's approximation loses is measured
 * against more exact statistics, which are features like any other: the damped exact norm, the
 * diagonal and the Kronecker-factored one.
 */
export { type DampedOptions, dampedFisherNorm } from './damped-norm';
export { type Decorrelation, decorrelation } from './decorrelation';
export { diagonalFisherNorm } from './diagonal-norm';
export {
  type Continuous,
  continuousSamplesOf,
  type Draws,
  IMAGES_PER_BLOCK,
  samplesOf,
} from './draws';
export {
  depthOrder,
  estimateFisher,
  type FisherEstimate,
  type LayerFisher,
  scoreZ,
  traceIntervals,
} from './estimate';
export type { FittedFeature } from './fitted-feature';
export { kroneckerFisherNorm } from './kronecker-norm';
export { type LayerSpectrum, spectra } from './spectrum';
export {
  chooseWindows,
  entryInterval,
  fisherWindow,
  noiseFloor,
  type OffDiagonals,
  offDiagonals,
  type Window,
} from './windows';
