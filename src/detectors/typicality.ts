/**
 * # The typicality test
 *
 * Nalisnick, Matsukawa, Teh, Lakshminarayanan, *Detecting out-of-distribution inputs to deep
 * generative models using typicality* (2019, arXiv 1906.02994). A sample from a distribution in
 * many dimensions has, with great probability, a log-likelihood close to minus the entropy: it lies
 * in the *typical set*, not at the mode. So both too improbable and too probable batches are
 * suspicious:
 *
 *     S = | NLL(x_1…x_B) − Ĥ |,   Ĥ = mean NLL of in-distribution batches.  (eq:typicality)
 *
 * NLL is summed over the batch; dividing by B would divide all scores alike. Ĥ is estimated on the
 * same fit set as every other detector's parameters (the paper of typicality uses training images),
 * so that comparisons are on the same halves.
 */
import { FisherlabError } from '../errors';
import { mean } from '../numerics/index';
import type { Detector } from './detector';
import { statistic } from './likelihood';

/** Distance of the batch's log-likelihood from the mean over the fit set. */
export function typicality(): Detector {
  return {
    name: 'typicality',
    fit(inDistribution) {
      const logLikelihoods = statistic(inDistribution, 'log-likelihood');
      if (logLikelihoods.length === 0)
        throw new FisherlabError("'typicality' cannot learn from 0 batches", 'give at least one');
      const centre = mean(logLikelihoods);
      return {
        score: (table) => statistic(table, 'log-likelihood').map((logP) => Math.abs(logP - centre)),
      };
    },
  };
}
