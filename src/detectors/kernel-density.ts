/**
 * # Kernel densities, one a column
 *
 * A density that lets each column have its own shape: a normal bump of width h around each of the n
 * values of the fit set,
 *
 *     q(y) = 1/(n h √2π) Σ_i exp(−(y − y_i)²/2h²),   h = σ n^(−1/5),
 *
 * with σ the column's standard deviation (Scott, *Multivariate Density Estimation*, 1992). The
 * score is −Σ_j log q_j(y_j). With columns that are statistics of the model this is DoSE
 * (`dose.ts`).
 *
 * A direct sum for every row costs rows × n × columns exponentials: hours for a large table. So log
 * q and its derivative are computed exactly on the points of a grid of step h/8, only where a value
 * falls (and kept), and joined by cubics (Hermite). The error is below 10⁻⁴ nats a column. Far from
 * all values log q is a parabola, which a cubic meets exactly: there is no edge, and nothing
 * underflows.
 */

import { unbiasedStd } from '../numerics/index';
import { type Combiner, combine, log, scoreRows } from './combine';
import type { Detector } from './detector';

/** Grid points a bandwidth. */
const FINENESS = 8;

/** log q of the kernel density of values that are not all equal, as a function. */
export function kernelLogDensity(values: Float64Array): (y: number) => number {
  const n = values.length;
  const bandwidth = unbiasedStd(values) * n ** -0.2;
  const origin = values[0] as number;
  const scaled = values.map((value) => (value - origin) / bandwidth);
  const logNorm = -Math.log(n * bandwidth * Math.sqrt(2 * Math.PI));
  /** log q and its slope at grid point k, with respect to u = (y − origin)/h. */
  const known = new Map<number, { level: number; slope: number }>();
  const at = (k: number) => {
    const found = known.get(k);
    if (found !== undefined) return found;
    const made = exactly(scaled, k / FINENESS);
    known.set(k, made);
    return made;
  };
  return (y) => {
    const u = ((y - origin) / bandwidth) * FINENESS;
    const k = Math.floor(u);
    // So far out that neighbouring grid points are the same float64: the exact sum, where q is its
    // nearest bump anyway.
    if (Math.abs(k) > 1e9) return logNorm + exactly(scaled, u / FINENESS).level;
    const [left, right] = [at(k), at(k + 1)];
    const t = u - k;
    const [slopeLeft, slopeRight] = [left.slope / FINENESS, right.slope / FINENESS];
    const rise = right.level - left.level;
    const cubic = t * (1 - t) * ((slopeLeft - rise) * (1 - t) - (slopeRight - rise) * t);
    return logNorm + left.level + t * rise + cubic;
  };
}

/** log Σ_i exp(−(u − u_i)²/2) and its derivative; the largest term is taken out first. */
function exactly(scaled: Float64Array, u: number): { level: number; slope: number } {
  let nearest = Infinity;
  for (let i = 0; i < scaled.length; i++)
    nearest = Math.min(nearest, Math.abs(u - (scaled[i] as number)));
  const top = -0.5 * nearest * nearest;
  let sum = 0;
  let pull = 0;
  for (let i = 0; i < scaled.length; i++) {
    const away = (scaled[i] as number) - u;
    const bump = Math.exp(-0.5 * away * away - top);
    sum += bump;
    pull += bump * away;
  }
  return { level: top + Math.log(sum), slope: pull / sum };
}

/** Minus the sum of kernel log densities, one a column. */
export function kernelDensity(): Combiner {
  return {
    name: 'kernel density',
    fit(columns) {
      const densities = columns.map(({ values }) => kernelLogDensity(values));
      return (given) =>
        scoreRows(given, (value, j) => -(densities[j] as (y: number) => number)(value));
    },
  };
}

export function layerwiseKernelDensity(feature = 'squared-norm'): Detector {
  return combine([log(feature)], kernelDensity(), 'layer-wise kernel density');
}
