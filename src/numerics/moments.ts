/**
 * # Mean and spread of a list of numbers
 *
 * Three loops of one line each rather than a library: the results in `data/results` were summed in
 * the order of the list and must stay equal to the last digit. d3-array's `mean` silently skips NaN
 * and takes three to six times as long, because it tests the type of every value; its `deviation`
 * sums in another order and takes two to four times as long; @stdlib's means also sum in another
 * order.
 */

/** Arithmetic mean; NaN for an empty list. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}

/**
 * Standard deviation with n − 1 in the denominator (as PyTorch's `std`); NaN for fewer than two
 * values.
 */
export function unbiasedStd(values: ArrayLike<number>, centre = mean(values)): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += ((values[i] as number) - centre) ** 2;
  return Math.sqrt(sum / (values.length - 1));
}

/**
 * Whether all values are the same number: the standard deviation is zero exactly, not merely after
 * rounding.
 */
export function isConstant(values: ArrayLike<number>): boolean {
  for (let i = 1; i < values.length; i++) if (values[i] !== values[0]) return false;
  return true;
}
