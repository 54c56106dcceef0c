/**
 * # Gradients: one backward pass, and everything that can be seen on the way
 *
 * Every parameter gradient is a sum of outer products, dθ = Σ_t x_t ⊗ dy_t: what flowed into an
 * operation, x, and what flowed back, dy. The tape records operations, collectors look at the
 * factors, and features are small functions of them.
 */
export { bytesPerImage, imagesAtOnce } from './batch-size';
export { type Blocks, passOver } from './blocks';
export {
  checkFeature,
  cosineWithMean,
  inputGradientNorms,
  maximum,
  oneNorm,
  randomProjections,
} from './built-in-features';
export { Collector, type CollectorOptions } from './collector';
export { gradientsOf, gradientsOfGroups, groupNorms, summedGradients } from './collectors';
export { directFactors } from './direct-factors';
export type { Factors } from './factors';
export {
  cutEvery,
  eagerly,
  type FeaturePasses,
  featurePasses,
  passesByParts,
  type Sample,
} from './feature-passes';
export {
  type BatchFeatures,
  batchFeatures,
  type Differentiable,
  defineFeature,
  type Feature,
  type FeatureDefinition,
  type Json,
  type LayerFeature,
  leastCommonMultiple,
  squaredNorm,
} from './features';
export { graphPays, imagesOfAPart } from './graph-rule';
export { type Layer, type Layout, layerSize, layerValues, makeLayer, setLayer } from './layer';
export { gelu, leakyRelu, scale, silu, tanh } from './operations/activations';
export { actnormLuConvolution } from './operations/actnorm-lu-convolution';
export { attention } from './operations/attention';
export {
  type BatchNormLayers,
  batchNorm,
  batchNormTraining,
  followBatch,
} from './operations/batch-norm';
export { convolution } from './operations/convolution';
export { type BlockLayers, convolutionBlock } from './operations/convolution-block';
export { coupling, gaussianLogDensity } from './operations/coupling';
export { couplingNetwork, hiddenLayer } from './operations/coupling-network';
export { dense } from './operations/dense';
export { gaussianLatent, squaredError } from './operations/latent';
export { channelLayerNorm } from './operations/layer-norm';
export { linearAttention } from './operations/linear-attention';
export { type LuLayers, luMatrices } from './operations/lu-convolution';
export { meanAbsoluteError, noised } from './operations/noising';
export { joinChannels, rearrange, splitChannels, sum } from './operations/plumbing';
export { type ScaledConvolution, sameWindow } from './operations/scaled-convolution';
export { squeeze, unsqueeze } from './operations/squeeze';
export { transposedConvolution } from './operations/transposed-convolution';
export { upsample } from './operations/upsample';
export { zeroConvolution } from './operations/zero-convolution';
export { gradientsOfOne, oracleGradients, type PlainLogLikelihood } from './oracle';
export { OuterProducts } from './outer-products';
export { squaredNorms } from './squared-norms';
export { type Operation, Tape, Value } from './tape';
