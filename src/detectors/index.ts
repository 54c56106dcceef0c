/**
 * # Detectors: from a table of features to scores
 *
 * `detector(name)` fits on familiar rows and scores others; higher = more out of distribution. Pure
 * float64, no tensors.
 */
export { COMBINERS, combiner, DETECTORS, detector } from './catalogue';
export { type Combiner, combine, log, logarithms, raw, scoreRows } from './combine';
export { commonFactors, layerwiseFactors } from './common-factor';
export type { Detector } from './detector';
export { type JointRule, jointP } from './joint-p';
export { independentNormals, layerwise } from './layerwise';
export { dot, point, squaredDistance, standardiseBy } from './matrix';
export { layerwiseNeighbours, nearestNeighbours } from './nearest-neighbours';
export { pValues } from './p-values';
export { principalComponents, whiteningDirections } from './principal-components';
export { residualOf, squaresOf } from './residual';
export { errorOfDraws, meanOverDraws } from './several-draws';
export { strangestOf } from './strangest';
export { type Column, columnsOf, type FeatureTable, type NamedTable, sliceRows } from './table';
export { typicality } from './typicality';
export { neighboursOfMeans, whitenedNeighbours } from './whitened-neighbours';
