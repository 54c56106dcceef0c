/**
 * # One p-value of several detectors
 *
 * Each detector's score becomes a p-value: how often a familiar batch that it was not fitted on
 * (`cross-fit.ts`) scores at least as high,
 *
 *     p_k = (1 + #{familiar scores ≥ s_k})/(n + 1).
 *
 * Beyond the largest familiar score all p-values would be 1/(n + 1), and whoever is strangest there
 * could not be told; so the tail goes on as an exponential, p_k = exp(−(s_k − s_max)/h)/(n + 1),
 * with h the upper spread of the familiar scores. Then they are put together:
 *
 * - `fisher`: −2 Σ log p_k (Fisher, *Statistical Methods for Research Workers*, 1932), which lets
 *   several weak suspicions add up;
 * - `harmonic`: log Σ 1/p_k (Wilson, PNAS 116, 2019), nearly the smallest p-value alone.
 *
 * Neither has a number to tune. p-values of detectors that look at the same images are not
 * independent, so the sum is a score and no p-value itself; `strangest.ts` takes the maximum
 * instead.
 */
import { countBelow } from '../numerics/index';
import { askAll, type CrossFit } from './cross-fit';
import type { Detector } from './detector';

/** One score of the logarithms of p-values. */
const RULES = {
  fisher: (logP: readonly number[]) => -2 * sum(logP),
  harmonic: (logP: readonly number[]) => {
    const most = Math.max(...logP.map((one) => -one));
    return most + Math.log(sum(logP.map((one) => Math.exp(-one - most))));
  },
} as const;

export type JointRule = keyof typeof RULES;

/**
 * @param detectors at least one
 * @throws {FisherlabError} if there is none; at the fit, as `askAll`
 */
export function jointP(
  detectors: readonly Detector[],
  rule: JointRule = 'fisher',
  name = `${rule} of ${detectors.map((detector) => detector.name).join(', ')}`,
): Detector {
  return askAll(name, detectors, (judges, table) => {
    const logs = judges.map((judge) =>
      judge.fitted.score(table).map((score) => logP(judge, score)),
    );
    return Float64Array.from({ length: table.rows }, (_, row) =>
      RULES[rule](logs.map((ofJudge) => ofJudge[row] as number)),
    );
  });
}

/** log p of a score among familiar ones. */
function logP({ sorted, spread }: CrossFit, score: number): number {
  const n = sorted.length;
  const beyond = score - (sorted[n - 1] as number);
  const share = Math.log((1 + n - countBelow(sorted, score)) / (n + 1));
  return beyond > 0 ? share - beyond / spread : share;
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
