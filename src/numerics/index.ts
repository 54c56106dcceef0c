/**
 * # Numerics: numbers of lists and matrices
 *
 * What several rooms ask of lists of float64: moments, quantiles and ranks, tails of distributions,
 * symmetric matrices, draws and intervals of the bootstrap. Well-kept libraries do it where they
 * give the right number in no more time; where not, the file says why.
 */
export { chiSquareQuantile, logGamma } from './gamma';
export { bootstrapCounts, drawCounts, type Estimate, interval, intervalOf } from './intervals';
export { explainedShare, leastSquares } from './least-squares';
export { isConstant, mean, unbiasedStd } from './moments';
export { logTwoSidedP, normalQuantile } from './normal';
export { countBelow, countUpTo, quantileOfSorted, ranks } from './order';
export { ranksAroundQuantile, shareBelow } from './order-statistics';
export {
  assertSeed,
  deriveSeed,
  noiseByIndex,
  normalAt,
  normals,
  permutation,
  uniformAt,
  uniformStream,
  uniforms,
} from './random';
export {
  cholesky,
  inverseCholesky,
  shifted,
  symmetricEigenvalues,
  symmetricEigenvectors,
} from './symmetric';
