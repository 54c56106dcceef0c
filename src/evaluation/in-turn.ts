/**
 * # Intervals that contain the fit
 *
 * A bootstrap over scored batches leaves out the luck of the batches that the detector was *fitted*
 * on. So each half of the in-distribution set fits a detector that scores the other half. The AUROC
 * is the mean of the two, A = (A_1 + A_2)/2, and its variance is
 *
 *     Var A = Var_boot(A) + (A_1 − A_2)²/4,
 *
 * the bootstrap's variance over scored batches plus the variance of the mean as two fits show it.
 * A_1 and A_2 also differ because they score different batches, so the interval A ± 1.96 √Var A is
 * too wide rather than too narrow. A single difference gives a rough estimate; over the models of a
 * family, whose detectors are fitted on different images, the differences are averaged.
 */
import type { Estimate } from '../numerics/index';
import { deriveSeed, mean, unbiasedStd } from '../numerics/index';
import { type Resampling, resampledAurocs, type Scores } from './bootstrap';
import { auroc } from './metrics';

/** A number, both halves fitting in turn. */
export interface InTurn {
  readonly value: number;
  /** Of each resample. */
  readonly resampled: Float64Array;
  /** The two values' difference, of each model that it is a mean over. */
  readonly differences: readonly number[];
}

/** The scores of one detector, fitted on the one half and on the other. */
export type Turns = readonly [Scores, Scores];

/**
 * The AUROCs of several detectors on the same batches, with the same draws for all.
 * @throws {FisherlabError} as `resampledAurocs`
 */
export function inTurn(
  detectors: readonly Turns[],
  { inName = 'in', ...resampling }: Resampling,
): InTurn[] {
  const [first, second] = ([0, 1] as const).map((turn) =>
    resampledAurocs(
      detectors.map((turns) => turns[turn]),
      {
        ...resampling,
        seed: deriveSeed(resampling.seed, turn),
        inName: `${inName}, half ${turn}`,
      },
    ),
  ) as [Float64Array[], Float64Array[]];
  return detectors.map((turns, k) => {
    const [one, two] = turns.map((scores) => auroc(scores.in, scores.out)) as [number, number];
    const other = second[k] as Float64Array;
    return {
      value: (one + two) / 2,
      resampled: (first[k] as Float64Array).map((a, r) => (a + (other[r] as number)) / 2),
      differences: [one - two],
    };
  });
}

/** One minus the other, of the same batches. */
export function minus(one: InTurn, other: InTurn): InTurn {
  return {
    value: one.value - other.value,
    resampled: one.resampled.map((a, r) => a - (other.resampled[r] as number)),
    differences: one.differences.map((d, m) => d - (other.differences[m] as number)),
  };
}

/** The mean over pairs of one model, whose fits are the same. */
export function meanOfPairs(pairs: readonly InTurn[]): InTurn {
  return {
    ...meansOf(pairs),
    differences: [mean(pairs.map(({ differences }) => mean(differences)))],
  };
}

/** The mean over models, whose fits are not. */
export function meanOfModels(models: readonly InTurn[]): InTurn {
  return { ...meansOf(models), differences: models.flatMap(({ differences }) => differences) };
}

function meansOf(all: readonly InTurn[]): Pick<InTurn, 'value' | 'resampled'> {
  return {
    value: mean(all.map(({ value }) => value)),
    resampled: Float64Array.from(all[0]?.resampled ?? [], (_, r) =>
      mean(all.map(({ resampled }) => resampled[r] as number)),
    ),
  };
}

/** The number with its interval. */
export function estimateInTurn({ value, resampled, differences }: InTurn): Estimate {
  const models = differences.length;
  const ofFit = differences.reduce((sum, d) => sum + d ** 2, 0) / (4 * models ** 2);
  const spread = 1.96 * Math.sqrt(unbiasedStd(resampled) ** 2 + ofFit);
  return { value, low: value - spread, high: value + spread };
}
