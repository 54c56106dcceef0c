/**
 * # Invariance: what changes with the way an image is written down, and what does not
 *
 * Start with `representation.ts` (the idea), `hue.ts` (the paper's example), `flip.ts` (how
 * likelihood can be made to say anything) and `represent.ts` (a model seen through a
 * representation).
 */
export { cielab } from './cielab';
export { deltaBitsPerDim, hsvDelta } from './delta';
export { type Dequantisation, dequantise, type EightBitImages, enter } from './dequantise';
export { affine, gamma, logit } from './elementwise';
export { flip, lens } from './flip';
export { Field } from './float64';
export { hsl, hsv } from './hue';
export { bothLogDets, jacobian, logAbsDet } from './jacobian';
export { dequantised, toLattice } from './lattice';
export { channelMixture, type Matrix3, ycbcr } from './linear';
export { orthogonal, spaceToDepth } from './mixing';
export {
  compareGradients,
  type GradientDifference,
  type Pass,
  type RepresentedModel,
  type RepresentOptions,
  represent,
} from './represent';
export { assertInside, compose, type Representation } from './representation';
export { lnVolumeBound, snakeVariation, withoutBorder } from './volume';
