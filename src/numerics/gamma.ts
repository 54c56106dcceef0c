/**
 * # The gamma function and the quantiles of χ²
 *
 * log Γ is @stdlib's. χ² has ν degrees of freedom, ν any positive number: its distribution function
 * is the regularised incomplete gamma function P(ν/2, x/2), a power series below the mean and a
 * continued fraction above it (Abramowitz & Stegun 6.5.29, 6.5.31; the fraction by Lentz's method).
 * The quantile is found by bisection, started from Wilson and Hilferty's cube.
 *
 * The quantile is not left to @stdlib, whose incomplete gamma function is wrong near the mean of
 * many degrees of freedom, where layers are: P(1000, 1020) comes out as 0.7335 instead of 0.7385,
 * and the quantile of χ²₂₀₀₀ at 0.7 as 2033.76 instead of 2032.68.
 */
import { FisherlabError } from '../errors';
import { lazily } from '../lazily';
import { assertProbability, normalQuantile } from './normal';

const gammaln = lazily(
  () =>
    require('@stdlib/math-base-special-gammaln') as typeof import('@stdlib/math-base-special-gammaln'),
);

/** log Γ(x) for x > 0. */
export function logGamma(x: number): number {
  return gammaln()(x);
}

/**
 * x with P(χ²_ν ≤ x) = p.
 * @throws {FisherlabError} if ν is not above 0, or p not between 0 and 1
 */
export function chiSquareQuantile(p: number, nu: number): number {
  if (!(nu > 0))
    throw new FisherlabError(
      `${nu} degrees of freedom make no χ² distribution`,
      'give a number above 0',
    );
  assertProbability(p);
  const a = nu / 2;
  const cube = 1 - 2 / (9 * nu) + normalQuantile(p) * Math.sqrt(2 / (9 * nu));
  let high = Math.max(1e-3, 2 * nu * Math.max(0, cube) ** 3);
  while (lowerGamma(a, high / 2) < p) high *= 2;
  let low = 0;
  for (let k = 0; k < 200 && high - low > 1e-13 * high; k++) {
    const middle = (low + high) / 2;
    if (lowerGamma(a, middle / 2) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(a, x) = γ(a, x)/Γ(a). */
export function lowerGamma(a: number, x: number): number {
  if (x <= 0) return 0;
  return x < a + 1 ? series(a, x) : 1 - fraction(a, x);
}

/** xᵃe⁻ˣ/Γ(a+1) · Σ xᵏ/((a+1)…(a+k)) */
function series(a: number, x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; Math.abs(term) > 1e-16 * Math.abs(sum); k++) {
    term *= x / (a + k);
    sum += term;
  }
  return sum * Math.exp(a * Math.log(x) - x - logGamma(a + 1));
}

function fraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1 / 1e-300;
  let d = 1 / b;
  let h = d;
  for (let k = 1; k < 100_000; k++) {
    const term = -k * (k - a);
    b += 2;
    d = 1 / (term * d + b);
    c = b + term / c;
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return h * Math.exp(a * Math.log(x) - x - logGamma(a));
}
