/**
 * # Numbers of one column
 *
 * Means, spreads and tail probabilities that several detectors share, in float64 and without
 * overflow: a layer ten standard deviations away has a p-value of 10⁻²³, one forty away of 10⁻³⁴⁹,
 * which is no float64 any more. So tails are kept as logarithms.
 *
 * References: W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23
 * (1969), for the split into a series near zero and a fraction far out; the fraction is the
 * classical one of erfc (DLMF 7.9.1); log Γ by Stirling's series (DLMF 5.11.1).
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

/** The q-quantile (0 ≤ q ≤ 1) of values sorted upwards, linear between neighbours. */
export function quantileOfSorted(sorted: ArrayLike<number>, q: number): number {
  const place = q * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low === high ? low : low + (place - below) * (high - low);
}

/** log Σ exp(values) without overflow; −∞ for an empty list. */
export function logSumExp(values: ArrayLike<number>): number {
  let max = -Infinity;
  for (let i = 0; i < values.length; i++) max = Math.max(max, values[i] as number);
  if (!Number.isFinite(max)) return max;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp((values[i] as number) - max);
  return max + Math.log(sum);
}

/**
 * log P(|Z| ≥ |z|) for a standard normal Z, i.e. log erfc(|z|/√2): the logarithm of the two-sided
 * p-value 2·min(Φ(z), 1 − Φ(z)). Relative error below 1e-13 of the p-value for every finite z.
 */
export function logTwoSidedP(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  if (x < 2) return Math.log1p(-erfSeries(x));
  // erfc(x) = exp(−x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))), from the innermost
  // fraction outwards.
  let fraction = x;
  for (let k = 120; k >= 1; k--) fraction = x + k / 2 / fraction;
  return -x * x - Math.log(fraction) - 0.5 * Math.log(Math.PI);
}

/** P(Z ≤ z) for a standard normal Z. */
export function normalCdf(z: number): number {
  const half = 0.5 * Math.exp(logTwoSidedP(z));
  return z < 0 ? half : 1 - half;
}

/**
 * erf(x) = 2/√π · exp(−x²) Σ_n (2x²)ⁿ x / (1·3·5…(2n+1)): all terms positive, so nothing cancels.
 */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > 1e-17 * sum; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** log Γ(x) for x > 0. */
export function logGamma(x: number): number {
  let shift = 0;
  let at = x;
  // Stirling's series is good far out only: Γ(x) = Γ(x + m) / (x (x+1) … (x+m−1)).
  while (at < 15) shift += Math.log(at++);
  const r = 1 / (at * at);
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / at;
  return (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
