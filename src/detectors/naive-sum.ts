/**
 * # The naive sum
 *
 * The squared norm of the whole gradient, ‖∂/∂θ Σ_b log p(x_b)‖² = Σ_j f_j: what one would take
 * before thinking of layers. The Fisher metric is then approximated by one number for the whole
 * network, so the few layers with the largest gradients decide alone. A variant in the code of
 * Dauncey et al. (arXiv 2403.01485), there without turning the sign; here a large gradient is out
 * of distribution.
 */
import { type Combiner, combine, raw, scoreRows } from './combine';
import type { Detector } from './detector';

/** The sum of the columns. Nothing is learned. */
export function sum(): Combiner {
  return { name: 'sum', fit: () => (given) => scoreRows(given, (value) => value) };
}

export function naiveSum(feature = 'squared-norm'): Detector {
  return combine([raw(feature)], sum(), 'naive sum');
}
