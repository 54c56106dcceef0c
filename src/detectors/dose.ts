/**
 * # DoSE: density of states estimation
 *
 * Morningstar, Ham, Gallagher, Lakshminarayanan, Alemi, Dillon, *Density of states estimation for
 * out-of-distribution detection* (AISTATS 2021, arXiv 2006.09273). Several statistics T_n(x) of a
 * model show whether an image is typical, not the likelihood alone: for a flow log p(x), log p(z)
 * and log|det J|; for a VAE statistics of its posterior (`features/posterior-parts.ts`).
 * How often each value of a statistic occurs in distribution ("density of states") is estimated by
 * a kernel density, and
 *
 *     S = −Σ_n log q̂_n(T_n(x))        (DoSE-KDE),
 *
 * or the support of all statistics together by a one-class SVM (DoSE-SVM). As with typicality,
 * values too large and too small both have low density.
 */
import { combine, raw } from './combine';
import type { Detector } from './detector';
import { kernelDensity } from './kernel-density';
import { supportOf } from './one-class-svm';

/**
 * @param statistics names of features of the table, each used as it is (log-probabilities in nats,
 *   summed over the batch).
 */
export function dose(statistics: readonly string[], name = 'DoSE'): Detector {
  return combine(statistics.map(raw), kernelDensity(), name);
}

/**
 * DoSE with a one-class SVM for the support, of which a tenth of the in-distribution batches may
 * lie outside (ν = 0.1).
 */
export function doseSupport(statistics: readonly string[], name = 'DoSE, support'): Detector {
  return supportOf(statistics.map(raw), 0.1, name);
}
