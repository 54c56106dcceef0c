/**
 * # Every method against typicality
 *
 * For each method and each pair of sets, Δ = AUROC(method) − AUROC(typicality). Both AUROCs come
 * from the same bootstrap resamples of the same batches, so that the interval of Δ leaves out what
 * the two have in common. `evaluation/compare.ts` makes intervals and corrected p-values of them.
 */

import {
  type Comparison,
  compareAurocs,
  type MeasuredPair,
  type MethodScores,
  type Resampled,
} from '../evaluation/index';

/** The method all others are compared with. */
export const REFERENCE_METHOD = 'typicality';

/** A method against typicality, on all pairs of one model and batch size. */
export interface AgainstReference extends Comparison {
  /**
   * Mean Δ AUROC over the pairs in each resample, in units of 10⁻⁵: families of models average them
   * (`summary.ts`).
   */
  readonly resampled: readonly number[];
}

/** Every other method against typicality, on the resamples `[method][set]` of the rows. */
export function againstReference(
  scored: readonly MethodScores[],
  resampled: readonly (readonly Resampled[])[],
  inside: string,
): AgainstReference[] {
  const reference = scored.findIndex(({ method }) => method === REFERENCE_METHOD);
  const candidates = scored.flatMap(({ method }, m) => (m === reference ? [] : [{ method, m }]));
  if (reference < 0 || candidates.length === 0) return [];
  const aurocOf = (m: number, s: number) => {
    const found = resampled[m]?.[s] as Resampled;
    return { value: found.value.auroc, resampled: found.resampled.auroc };
  };
  const pairs = (scored[reference] as MethodScores).out.map(
    ({ name }, s): MeasuredPair => ({
      in: inside,
      out: name,
      reference: aurocOf(reference, s),
      candidates: Object.fromEntries(candidates.map(({ method, m }) => [method, aurocOf(m, s)])),
    }),
  );
  return compareAurocs(pairs).map((comparison): AgainstReference => {
    const [first] = pairs as [MeasuredPair, ...MeasuredPair[]];
    const means = first.reference.resampled.map((_, r) => {
      const sum = pairs.reduce(
        (all, pair) =>
          all +
          (pair.candidates[comparison.candidate]?.resampled[r] as number) -
          (pair.reference.resampled[r] as number),
        0,
      );
      return Math.round((1e5 * sum) / pairs.length);
    });
    return { ...comparison, resampled: Array.from(means) };
  });
}
