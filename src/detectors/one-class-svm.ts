/**
 * # One-class support vector machine
 *
 * Schölkopf, Platt, Shawe-Taylor, Smola, Williamson, *Estimating the support of a high-dimensional
 * distribution* (Neural Computation 13, 2001). With the kernel k(x, y) = exp(−γ‖x − y‖²), the
 * function Σ_i α_i k(x_i, x) − ρ is to be positive on most of the fit set and small elsewhere:
 *
 *     min_α ½ Σ_ij α_i α_j k(x_i, x_j)   with 0 ≤ α_i ≤ 1, Σ_i α_i = ν n;
 *     S(x) = ρ − Σ_i α_i k(x_i, x).
 *
 * ν bounds the share of the fit set that is left outside. The paper's workshop version uses ν =
 * 0.001 and γ = 'scale' = 1/d on standardised raw features (Dauncey et al., arXiv 2403.01485,
 * code). Far from the whole fit set every kernel is 0 and the score is ρ: very unusual and
 * extremely unusual batches tie.
 *
 * Solved by sequential minimal optimisation as in LIBSVM (Chang and Lin, ACM TIST 2, 2011): of all
 * pairs (i, j) whose exchange of weight lowers the objective, the one that lowers it most to second
 * order (Fan, Chen, Lin, JMLR 6, 2005). There is nothing random in it.
 */
import { FisherlabError } from '../errors';
import { type Combiner, combine, raw, type Source } from './combine';
import type { Detector } from './detector';
import { type Points, point, squaredDistance, standardiseBy } from './matrix';

/** How far from optimal the weights may be, in units of the kernel (LIBSVM's eps is 10⁻³). */
const TOLERANCE = 1e-6;

/**
 * @param nu ν, the share of the fit set that may lie outside, in (0, 1]; 0.001 as in the paper
 * @throws {FisherlabError} if ν is outside (0, 1]
 */
export function oneClassSvm(nu = 0.001): Combiner {
  if (!(nu > 0 && nu <= 1))
    throw new FisherlabError(`ν = ${nu} is no share of the fit set`, 'choose 0 < ν ≤ 1');
  return {
    name: 'one-class SVM',
    fit(columns) {
      const standardise = standardiseBy(columns);
      const known = standardise(columns);
      // 'scale' is 1/d where coordinates have variance 1 with n in the denominator; here they have
      // it with n − 1.
      const gamma = known.n / (known.n - 1) / known.d;
      const kernel = (x: Float64Array, y: Float64Array) => Math.exp(-gamma * squaredDistance(x, y));
      const { alpha, rho } = solve(known, nu, kernel);
      const support = [...alpha].flatMap((weight, i) =>
        weight > 0 ? [{ weight, x: point(known, i) }] : [],
      );
      return (given) => {
        const points = standardise(given);
        return Float64Array.from({ length: points.n }, (_, i) =>
          support.reduce(
            (score, { weight, x }) => score - weight * kernel(x, point(points, i)),
            rho,
          ),
        );
      };
    },
  };
}

/** The weights α [n] and the offset ρ. */
function solve(
  points: Points,
  nu: number,
  kernel: (x: Float64Array, y: Float64Array) => number,
): { alpha: Float64Array; rho: number } {
  const { n } = points;
  const cache = new Map<number, Float64Array>();
  /** k(x_i, x_·) [n], computed when first asked for. */
  const kernelRow = (i: number): Float64Array => {
    const kept = cache.get(i);
    if (kept !== undefined) return kept;
    const made = Float64Array.from({ length: n }, (_, t) =>
      kernel(point(points, i), point(points, t)),
    );
    cache.set(i, made);
    return made;
  };
  const alpha = Float64Array.from({ length: n }, (_, i) => Math.min(1, Math.max(0, nu * n - i)));
  const gradient = new Float64Array(n); // Σ_i α_i k(x_i, x_t)
  const addToGradient = (i: number, weight: number) => {
    kernelRow(i).forEach((k, t) => {
      gradient[t] = (gradient[t] as number) + weight * k;
    });
  };
  alpha.forEach((weight, i) => {
    if (weight > 0) addToGradient(i, weight);
  });

  for (;;) {
    // i: of the weights that may grow, the one with the smallest gradient.
    let i = -1;
    for (let t = 0; t < n; t++) {
      if ((alpha[t] as number) < 1 && (i < 0 || (gradient[t] as number) < (gradient[i] as number)))
        i = t;
    }
    if (i < 0) break;
    // j: of those that may shrink, the one whose exchange with i gains most.
    const row = kernelRow(i);
    let j = -1;
    let gain = 0;
    for (let t = 0; t < n; t++) {
      const slope = (gradient[t] as number) - (gradient[i] as number);
      if ((alpha[t] as number) <= 0 || slope <= TOLERANCE) continue;
      const curvature = Math.max(2 - 2 * (row[t] as number), 1e-12);
      if ((slope * slope) / curvature > gain) {
        gain = (slope * slope) / curvature;
        j = t;
      }
    }
    if (j < 0) break;
    const curvature = Math.max(2 - 2 * (row[j] as number), 1e-12);
    const best = ((gradient[j] as number) - (gradient[i] as number)) / curvature;
    const step = Math.min(best, 1 - (alpha[i] as number), alpha[j] as number);
    // A weight that reaches its bound is put there exactly, or rounding would leave it a little
    // inside for ever.
    const [roomAbove, roomBelow] = [1 - (alpha[i] as number), alpha[j] as number];
    alpha[i] = step === roomAbove ? 1 : (alpha[i] as number) + step;
    alpha[j] = step === roomBelow ? 0 : (alpha[j] as number) - step;
    addToGradient(i, step);
    addToGradient(j, -step);
  }
  return { alpha, rho: offset(alpha, gradient) };
}

/**
 * ρ is the gradient at weights strictly between their bounds; where there are none, the middle of
 * what the others allow.
 */
function offset(alpha: Float64Array, gradient: Float64Array): number {
  let sum = 0;
  let free = 0;
  let low = -Infinity;
  let high = Infinity;
  alpha.forEach((weight, t) => {
    const g = gradient[t] as number;
    if (weight >= 1) low = Math.max(low, g);
    else if (weight <= 0) high = Math.min(high, g);
    else {
      sum += g;
      free++;
    }
  });
  if (free > 0) return sum / free;
  if (low === -Infinity) return high;
  return high === Infinity ? low : (low + high) / 2;
}

/** The paper's variant: raw squared norms. */
export function layerwiseSvm(feature = 'squared-norm', nu = 0.001): Detector {
  return supportOf([raw(feature)], nu, 'one-class SVM');
}

/** A one-class SVM of any sources. */
export function supportOf(sources: readonly Source[], nu: number, name: string): Detector {
  return combine(sources, oneClassSvm(nu), name);
}
