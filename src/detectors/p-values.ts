/**
 * # p-values of layers, and of scores
 *
 * With log f_j normal on the fit set, z_j = (log f_j − μ_j)/σ_j has the two-sided p-value p_j = 2
 * min(Φ(z_j), 1 − Φ(z_j)): small where the gradient is unusually large or small. Three ways to make
 * one number of many p-values, all turned so that higher = more out of distribution:
 *
 * - **Fisher's method** (Statistical Methods for Research Workers, 1932): −2 Σ_j log p_j, χ² with
 *   2J degrees of freedom if the p_j are independent.
 * - **Sum of p**: −Σ_j p_j. This is what the code of Dauncey et al. (arXiv 2403.01485) computes
 *   under the name of Fisher's method. It cannot tell p = 10⁻³ from p = 10⁻³⁰, and looks at the
 *   unremarkable layers instead.
 * - **Harmonic mean** (Wilson, PNAS 116, 2019): p̊ = J / Σ_j 1/p_j, valid also where the p-values
 *   are dependent, as those of layers are; the score is −log p̊. The smallest p-values decide.
 *
 * Logarithms of p-values are kept throughout: z = 40 has p = 10⁻³⁴⁹.
 *
 * And for the scores of any detector: the p-value of a score is the share of held-out
 * in-distribution scores at least as high, counted with the score itself (Vovk et al., *Algorithmic
 * Learning in a Random World*, 2005: conformal p-values). It is never 0, and a batch that is in
 * distribution has p ≤ α with probability at most α, whatever the detector.
 */
import { FisherlabError } from '../errors';
import { countBelow, logTwoSidedP } from '../numerics/index';
import { type Combiner, combine, log, type RowScores, scoreRows } from './combine';
import type { Detector } from './detector';
import { fitNormals, type Normal } from './layerwise';
import type { Column } from './table';

type LogP = (value: number, j: number) => number;

function ofLogP(
  name: string,
  score: (given: readonly Column[], logP: LogP) => ReturnType<RowScores>,
): Combiner {
  return {
    name,
    fit(columns) {
      const normals = fitNormals(columns);
      return (given) =>
        score(given, (value, j) => {
          const { mu, sigma } = normals[j] as Normal;
          return logTwoSidedP((value - mu) / sigma);
        });
    },
  };
}

/** −2 Σ log p. */
export function fisherP(): Combiner {
  return ofLogP("Fisher's method", (given, logP) =>
    scoreRows(given, (value, j) => -2 * logP(value, j)),
  );
}

/** −Σ p, the paper's code's "Fisher's method". */
export function sumOfP(): Combiner {
  return ofLogP('sum of p', (given, logP) =>
    scoreRows(given, (value, j) => -Math.exp(logP(value, j))),
  );
}

/** Minus the logarithm of the harmonic mean of the p-values. */
export function harmonicMeanP(): Combiner {
  return ofLogP('harmonic mean of p', (given, logP) =>
    scoreRows(given, (value, j) => -logP(value, j), logAdd).map(
      (logSum) => logSum - Math.log(given.length),
    ),
  );
}

/** log(eᵃ + eᵇ). */
function logAdd(a: number, b: number): number {
  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}

export function fishersMethod(feature = 'squared-norm'): Detector {
  return combine([log(feature)], fisherP(), "Fisher's method");
}

/** Fisher's method as in the paper's code. */
export function fishersMethodOfTheCode(feature = 'squared-norm'): Detector {
  return combine([log(feature)], sumOfP(), 'sum of p');
}

export function layerwiseHarmonicMeanP(feature = 'squared-norm'): Detector {
  return combine([log(feature)], harmonicMeanP(), 'layer-wise harmonic mean of p');
}

/**
 * The conformal p-value of each score, (1 + #{reference ≥ score}) / (1 + #reference).
 * @param reference scores of in-distribution batches that the detector was *not* fitted on. Errors:
 *   none, or NaN among them or the scores.
 */
export function pValues(reference: Float64Array, scores: Float64Array): Float64Array {
  if (reference.length === 0)
    throw new FisherlabError(
      'there are no reference scores',
      'hold out some in-distribution batches',
    );
  if (reference.some(Number.isNaN) || scores.some(Number.isNaN)) {
    throw new FisherlabError(
      'a score is NaN',
      'it has no p-value: look at the features of that batch',
    );
  }
  const sorted = reference.slice().sort();
  return scores.map(
    (score) => (1 + sorted.length - countBelow(sorted, score)) / (1 + sorted.length),
  );
}
