/**
 * # Quantiles for quantile plots
 *
 * χ² with ν degrees of freedom, ν any positive number: its distribution function is the regularised
 * incomplete gamma function P(ν/2, x/2), a power series below the mean and a continued fraction
 * above it (Abramowitz & Stegun 6.5.29, 6.5.31; the fraction by Lentz's method). The quantile is
 * found by bisection, started from Wilson and Hilferty's cube. The normal quantile is bisected
 * likewise.
 */
import { FisherlabError } from '../backend/index';

/** x with P(χ²_ν ≤ x) = p. Errors: ν not above 0, p outside (0, 1). */
export function chiSquareQuantile(p: number, nu: number): number {
  if (!(nu > 0))
    throw new FisherlabError(
      `${nu} degrees of freedom make no χ² distribution`,
      'give a number above 0',
    );
  checkProbability(p);
  const a = nu / 2;
  const cube = 1 - 2 / (9 * nu) + normalQuantile(p) * Math.sqrt(2 / (9 * nu));
  let high = Math.max(1e-3, 2 * nu * Math.max(0, cube) ** 3);
  while (lowerGamma(a, high / 2) < p) high *= 2;
  return bisect((x) => lowerGamma(a, x / 2) - p, 0, high);
}

/** z with Φ(z) = p. Errors: p outside (0, 1). */
export function normalQuantile(p: number): number {
  checkProbability(p);
  // Φ(z) = ½ ± ½ P(½, z²/2); the smaller tail is the exact one.
  const tail = Math.min(p, 1 - p);
  const z = bisect((x) => tail - 0.5 * upperGamma(0.5, (x * x) / 2), 0, 39);
  return p < 0.5 ? -z : z;
}

/** P(a, x) = γ(a, x)/Γ(a). */
export function lowerGamma(a: number, x: number): number {
  if (x <= 0) return 0;
  return x < a + 1 ? series(a, x) : 1 - fraction(a, x);
}

function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  return x < a + 1 ? 1 - series(a, x) : fraction(a, x);
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

/** ln Γ(x) of x > 0: Stirling's series after moving x beyond 10. */
function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  for (; y < 10; y++) shift -= Math.log(y);
  const z = 1 / (y * y);
  const tail = (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z / 1188)))) / y;
  return shift + (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + tail;
}

/** The zero of an increasing function between `low` and `high`. */
function bisect(f: (x: number) => number, low: number, high: number): number {
  let [a, b] = [low, high];
  for (let k = 0; k < 200 && b - a > 1e-13 * Math.abs(b); k++) {
    const middle = (a + b) / 2;
    if (f(middle) < 0) a = middle;
    else b = middle;
  }
  return (a + b) / 2;
}

function checkProbability(p: number): void {
  if (!(p > 0 && p < 1))
    throw new FisherlabError(
      `${p} is no probability of a quantile`,
      'give a number between 0 and 1',
    );
}
