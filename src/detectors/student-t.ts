/**
 * # Independent Student-t densities
 *
 * The paper's detector with heavier tails: each column is Student's t with location μ, scale σ and
 * ν degrees of freedom. One layer that is 30 standard deviations away adds ½·30² = 450 to a sum of
 * normal log densities and drowns out all others; here it adds (ν+1)/2 · log(1 + 30²/ν), about 15
 * for ν = 5.
 *
 * Fit: for given ν the likeliest μ, σ by reweighting (Kent, Tyler, Vardi, *A curious likelihood
 * identity for the multivariate t-distribution*, Comm. Statist. B 23, 1994; Dempster, Laird, Rubin,
 * 1977),
 *
 *     w_i = (ν+1)/(ν + (y_i−μ)²/σ²),   μ ← Σ w y/Σ w,   σ² ← Σ w (y−μ)²/Σ w,
 *
 * and ν the likeliest of a list from 1 (Cauchy) to 1000 (normal): between its points the likelihood
 * hardly changes. Where more than half of a column is one number, the likeliest σ is 0, which is
 * not a density: σ is at least a thousandth of the standard deviation.
 */

import { logGamma, mean, unbiasedStd } from '../numerics/index';
import { type Combiner, combine, log, scoreRows } from './combine';
import type { Detector } from './detector';

export interface StudentT {
  readonly nu: number;
  readonly mu: number;
  readonly sigma: number;
  /** Mean log density on the values it was fitted to, nats. */
  readonly meanLogDensity: number;
}

/** From normal to Cauchy, so that each fit starts from its neighbour's. */
const FREEDOMS = [1000, 100, 50, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4.5, 4, 3.5, 3, 2.5, 2, 1.5, 1];

export function logStudentT(
  { nu, mu, sigma }: Omit<StudentT, 'meanLogDensity'>,
  value: number,
): number {
  const z = (value - mu) / sigma;
  return logNorm(nu, sigma) - ((nu + 1) / 2) * Math.log1p((z * z) / nu);
}

function logNorm(nu: number, sigma: number): number {
  return logGamma((nu + 1) / 2) - logGamma(nu / 2) - 0.5 * Math.log(nu * Math.PI) - Math.log(sigma);
}

/** The likeliest Student t of values that are not all equal. */
export function fitStudentT(values: Float64Array): StudentT {
  const smallest = 1e-3 * unbiasedStd(values);
  let mu = mean(values);
  let sigma = unbiasedStd(values, mu);
  let best: StudentT | undefined;
  for (const nu of FREEDOMS) {
    for (let step = 0; step < 100; step++) {
      const [weight, first, second] = weightedSums(values, nu, mu, sigma);
      const moved = first / weight;
      const scale = Math.max(smallest, Math.sqrt(second / weight));
      const change = Math.abs(moved) + Math.abs(scale - sigma);
      mu += moved;
      sigma = scale;
      if (change < 1e-7 * sigma) break;
    }
    const norm = logNorm(nu, sigma);
    let sum = 0;
    for (const value of values) sum += Math.log1p(((value - mu) / sigma) ** 2 / nu);
    const meanLogDensity = norm - (((nu + 1) / 2) * sum) / values.length;
    if (best === undefined || meanLogDensity > best.meanLogDensity)
      best = { nu, mu, sigma, meanLogDensity };
  }
  return best as StudentT;
}

/** Σ w, Σ w (y−μ), Σ w (y−μ')² with μ' the weighted mean. */
function weightedSums(
  values: Float64Array,
  nu: number,
  mu: number,
  sigma: number,
): [number, number, number] {
  let weight = 0;
  let first = 0;
  let second = 0;
  for (let i = 0; i < values.length; i++) {
    const distance = (values[i] as number) - mu;
    const w = (nu + 1) / (nu + (distance / sigma) ** 2);
    weight += w;
    first += w * distance;
    second += w * distance * distance;
  }
  return [weight, first, Math.max(0, second - (first * first) / weight)];
}

/** Minus the sum of Student-t log densities, one a column. */
export function studentT(): Combiner {
  return {
    name: 'Student-t',
    fit(columns) {
      const laws = columns.map(({ values }) => {
        const law = fitStudentT(values);
        return { ...law, norm: logNorm(law.nu, law.sigma) };
      });
      return (given) =>
        scoreRows(given, (value, j) => {
          const { nu, mu, sigma, norm } = laws[j] as (typeof laws)[number];
          return ((nu + 1) / 2) * Math.log1p(((value - mu) / sigma) ** 2 / nu) - norm;
        });
    },
  };
}

export function layerwiseStudentT(feature = 'squared-norm'): Detector {
  return combine([log(feature)], studentT(), 'layer-wise Student-t');
}
