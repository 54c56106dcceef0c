/**
 * # Numerics: statistics of lists, and symmetric matrices
 *
 * What several rooms need, in float64: moments, quantiles and ranks, tails of distributions,
 * symmetric matrices, bootstrap samples and intervals. Well-kept libraries do the work wherever
 * they are correct and no slower than a few lines of our own; where they are not, the file says so.
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
