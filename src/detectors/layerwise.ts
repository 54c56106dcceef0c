/**
 * # The paper's detector: layer-wise gradient norms
 *
 * Dauncey, Holmes, Williams, Falck, *Approximations to the Fisher Information Metric of Deep
 * Generative Models for Out-Of-Distribution Detection*, TMLR 2024 (arXiv 2403.01485).
 *
 * For every parameter tensor j ("layer") the feature is the squared norm of the gradient of a
 * batch's log-likelihood,
 *
 *     f_j = ‖ ∂/∂θ_j Σ_b log p(x_b) ‖².
 *
 * The Fisher information metric is approximated by one number a layer, F ≈ blockdiag(σ_j² I), so
 * these norms are all there is to know of the gradient. Their sizes differ by orders of magnitude
 * between layers and are weakly correlated, hence: the logarithms are independent and normal. With
 * μ_j, σ_j mean and (unbiased) standard deviation of log f_j over in-distribution batches, the
 * score is
 *
 *     S = − Σ_j log N(log f_j; μ_j, σ_j²).  (eq:layer-density)
 *
 * The density is that of log f_j: there is no Jacobian term −log f_j. Constant terms aside S = ½
 * Σ_j z_j², z_j = (log f_j − μ_j)/σ_j: too small a gradient is as suspicious as too large a one.
 * The paper's code has the opposite sign; here **higher = more out of distribution**. Tensors that
 * are constant on the fit set are dropped; `combine.ts` says what happens to zeros.
 */

import { mean, unbiasedStd } from '../numerics/index';
import { type Combiner, combine, log, scoreRows } from './combine';
import type { Detector } from './detector';
import type { Column } from './table';

/** Mean and unbiased standard deviation of a column. */
export interface Normal {
  readonly mu: number;
  readonly sigma: number;
}

export function fitNormals(columns: readonly Column[]): Normal[] {
  return columns.map(({ values }) => {
    const mu = mean(values);
    return { mu, sigma: unbiasedStd(values, mu) };
  });
}

/** Minus the sum of normal log densities, one normal a column. */
export function independentNormals(): Combiner {
  return {
    name: 'independent normals',
    fit(columns) {
      const normals = fitNormals(columns);
      const constants = normals.map(({ sigma }) => Math.log(sigma) + 0.5 * Math.log(2 * Math.PI));
      return (given) =>
        scoreRows(given, (value, j) => {
          const { mu, sigma } = normals[j] as Normal;
          return 0.5 * ((value - mu) / sigma) ** 2 + (constants[j] as number);
        });
    },
  };
}

/** The paper's detector on a feature of layers, by default the squared norm of the gradient. */
export function layerwise(feature = 'squared-norm'): Detector {
  return combine([log(feature)], independentNormals(), 'layer-wise gradients');
}
