/**
 * # Chi-square densities of squared norms
 *
 * If the gradient of layer j is normal with covariance σ_j² I, then u_j = f_j/σ_j² is χ² with k_j =
 * |θ_j| degrees of freedom, and the likeliest σ_j² is mean(f_j)/k_j (Dauncey et al., arXiv
 * 2403.01485, `ChiSquareL2Norm` in the code). The score is −Σ_j log p(y_j) with y_j = log f_j,
 * whose density is
 *
 *     p(y) = p_χ²(u) · du/dy = p_χ²(u) · u,   log p(y) = (k/2) log(u/2) − u/2 − log Γ(k/2).
 *                                                                                  (eq:chi-square)
 *
 * The reference code adds log(log f) where the Jacobian log u belongs; this is the correct change
 * of variables.
 *
 * Real gradients are N(0, F_j) with F_j far from σ² I: then E f = tr F, Var f = 2 tr F², and f
 * behaves like a χ² of only (tr F)²/tr F² degrees of freedom. `effective` takes these from the
 * moments, k = 2 mean²/var (Satterthwaite, Biometrics Bulletin 2, 1946), instead of from the size
 * of the layer, whose density is far too narrow.
 *
 * In the limit of many degrees of freedom u/k is normal with variance 2/k; there the two-sidedness
 * of the paper's detector reappears.
 */
import { FisherlabError } from '../errors';
import { logGamma, mean, unbiasedStd } from '../numerics/index';
import { type Combiner, combine, log, scoreRows } from './combine';
import type { Detector } from './detector';

/**
 * Minus the sum of log χ² densities, of columns that are logarithms of squared norms.
 * @param freedom `size`: as many degrees of freedom as the layer has parameters; `effective`: from
 *   the first two moments
 * @throws {FisherlabError} (at the fit) if `size` is asked for and a column does not say it
 */
export function chiSquareDensities(freedom: 'size' | 'effective'): Combiner {
  return {
    name: freedom === 'size' ? 'chi-square' : 'chi-square with effective freedom',
    fit(columns) {
      const laws = columns.map(({ feature, layer, size, values }) => {
        const f = values.map(Math.exp);
        const centre = mean(f);
        const k = freedom === 'size' ? size : 2 * (centre / unbiasedStd(f, centre)) ** 2;
        if (k === undefined) {
          throw new FisherlabError(
            `column '${feature}' of layer '${layer ?? '(none)'}' does not say how many parameters the layer has`,
            "use 'chi-square with effective freedom', which does not need it",
          );
        }
        return { half: k / 2, logScale: Math.log(k / 2 / centre), logGammaHalf: logGamma(k / 2) };
      });
      return (given) =>
        scoreRows(given, (y, j) => {
          const { half, logScale, logGammaHalf } = laws[j] as (typeof laws)[number];
          const logHalfU = y + logScale;
          return Math.exp(logHalfU) - half * logHalfU + logGammaHalf;
        });
    },
  };
}

export function chiSquare(
  freedom: 'size' | 'effective' = 'size',
  feature = 'squared-norm',
): Detector {
  const combiner = chiSquareDensities(freedom);
  return combine([log(feature)], combiner, combiner.name);
}
