/**
 * # Won, drawn or lost: candidates against a reference, fairly
 *
 * A candidate detector *wins* a pair of data sets if its AUROC is surely higher than the
 * reference's, *loses* it if surely lower, else it is a *draw*.
 *
 * **Surely.** Both detectors score the same batches; the bootstrap draws batches and takes the
 * difference Δ each time (`bootstrap.ts`). The p-value is the normal one of Δ over its bootstrap
 * standard error: differences of AUROCs are means in the limit (DeLong et al., Biometrics 44,
 * 1988), and a thousand resamples can tell a standard error well, but no tail probability below
 * 0.002, which is what a correction asks for. Where all resamples agree exactly and Δ ≠ 0, p is
 * 1/(resamples + 1): less cannot be shown.
 *
 * **Fairly.** Who tries twenty candidates finds one that wins at p = 0.05 by luck. p-values are
 * multiplied: all by the number of candidates (Bonferroni), or the smallest by m, the next by m −
 * 1, … and never decreasing (Holm, Scand. J. Statist. 6, 1979), which errs no more often and finds
 * more. `tried` says how many candidates there were in all, those that were given up included.
 *
 * **The mean over pairs** has an interval too. Pairs of a table share images (all with the same
 * in-distribution set share its scores), so that their errors do not simply average out: sets of
 * the same name are drawn alike in all pairs, and the mean of Δ is taken within each resample.
 */
import { FisherlabError } from '../backend/index';
import { type Estimate, interval, logTwoSidedP, mean, unbiasedStd } from '../numerics/index';
import { resampledAurocs, type Scores } from './bootstrap';
import { auroc } from './metrics';

/** What all detectors said to the batches of one pair of sets. */
export interface ScoredPair {
  /** Names of the sets; the same name means the same images, in other pairs too. */
  readonly in: string;
  readonly out: string;
  /** Which model, where one table holds pairs of several. */
  readonly model?: string;
  readonly reference: Scores;
  /** By the candidates' names, the same in every pair. */
  readonly candidates: Readonly<Record<string, Scores>>;
}

export interface ComparisonOptions {
  readonly seed: number;
  /** 1000 by default. */
  readonly resamples?: number;
  readonly correction?: 'holm' | 'bonferroni';
  /** How many candidates were tried in all; by default the number of candidates given. */
  readonly tried?: number;
  /**
   * Probability of calling a win or a loss where there is none, over all candidates; 0.05 by
   * default.
   */
  readonly alpha?: number;
}

export type Verdict = 'win' | 'draw' | 'loss';

/**
 * AUROC(candidate) − AUROC(reference) with the 95 % interval for itself; p corrected for the number
 * of candidates.
 */
export interface Margin extends Estimate {
  readonly p: number;
  readonly verdict: Verdict;
}

export interface PairMargin extends Margin {
  readonly in: string;
  readonly out: string;
  readonly model?: string;
  /** The two AUROCs. */
  readonly candidate: number;
  readonly reference: number;
}

export interface Comparison {
  readonly candidate: string;
  readonly pairs: readonly PairMargin[];
  readonly wins: number;
  readonly draws: number;
  readonly losses: number;
  /** The mean over pairs. */
  readonly mean: Margin;
}

/**
 * Compares every candidate with the reference on every pair and on their mean, in the order in
 * which the first pair lists them. Errors: no pairs, no candidates, candidates that are missing in
 * a pair, `tried` below the number given; otherwise as in `resampledAurocs`.
 */
export function compareScores(
  pairs: readonly ScoredPair[],
  { seed, resamples = 1000, correction = 'holm', tried, alpha = 0.05 }: ComparisonOptions,
): Comparison[] {
  const names = candidateNames(pairs);
  const family = tried ?? names.length;
  if (family < names.length) {
    throw new FisherlabError(
      `${names.length} candidates are compared but only ${family} were tried`,
      'count all that were tried',
    );
  }

  const measured = pairs.map((pair) => measure(pair, names, seed, resamples)); // [pair][candidate]
  const margins = measured.map((ofPair) => judge(ofPair, family, correction, alpha));
  const meanMargins = judge(
    names.map((_, c) => meanOf(measured.map((ofPair) => ofPair[c] as Measured))),
    family,
    correction,
    alpha,
  );
  return names.map((candidate, c) => {
    const ofCandidate = pairs.map(({ in: inName, out, model }, k): PairMargin => {
      const aurocs = measured[k]?.[c] as Measured;
      const margin = margins[k]?.[c] as Margin;
      return {
        in: inName,
        out,
        model,
        candidate: aurocs.candidate,
        reference: aurocs.reference,
        ...margin,
      };
    });
    const count = (verdict: Verdict) =>
      ofCandidate.filter((margin) => margin.verdict === verdict).length;
    return {
      candidate,
      pairs: ofCandidate,
      wins: count('win'),
      draws: count('draw'),
      losses: count('loss'),
      mean: meanMargins[c] as Margin,
    };
  });
}

/** Δ and its resamples. */
interface Difference {
  readonly value: number;
  readonly resampled: Float64Array;
}

/** Δ of a candidate in one pair, and the two AUROCs. */
interface Measured extends Difference {
  readonly candidate: number;
  readonly reference: number;
}

/** All candidates of one pair. */
function measure(
  pair: ScoredPair,
  names: readonly string[],
  seed: number,
  resamples: number,
): Measured[] {
  const candidates = names.map((name) => pair.candidates[name] as Scores);
  const [ofReference, ...ofCandidates] = resampledAurocs([pair.reference, ...candidates], {
    seed,
    resamples,
    inName: pair.in,
    outName: pair.out,
  }) as [Float64Array, ...Float64Array[]];
  const reference = auroc(pair.reference.in, pair.reference.out);
  return candidates.map((scores, c) => {
    const candidate = auroc(scores.in, scores.out);
    const resampled = (ofCandidates[c] as Float64Array).map(
      (value, r) => value - (ofReference[r] as number),
    );
    return { candidate, reference, value: candidate - reference, resampled };
  });
}

/** The mean over pairs, within each resample. */
function meanOf(differences: readonly Difference[]): Difference {
  const resamples = differences[0]?.resampled.length ?? 0;
  return {
    value: mean(differences.map(({ value }) => value)),
    resampled: Float64Array.from({ length: resamples }, (_, r) =>
      mean(differences.map(({ resampled }) => resampled[r] as number)),
    ),
  };
}

/** Margins of all candidates, in one pair or on the mean: one family of tests. */
function judge(
  tests: readonly Difference[],
  family: number,
  correction: 'holm' | 'bonferroni',
  alpha: number,
): Margin[] {
  const corrected = correct(tests.map(pValue), family, correction);
  return tests.map(({ value, resampled }, c) => {
    const p = corrected[c] as number;
    return {
      value,
      ...interval(resampled),
      p,
      verdict: p > alpha ? 'draw' : value > 0 ? 'win' : 'loss',
    };
  });
}

function candidateNames(pairs: readonly ScoredPair[]): string[] {
  const names = Object.keys(pairs[0]?.candidates ?? {});
  if (names.length === 0) {
    throw new FisherlabError(
      pairs.length === 0 ? 'there are no pairs to compare on' : 'there are no candidates',
      'give at least one',
    );
  }
  for (const pair of pairs) {
    const missing = names.find((name) => pair.candidates[name] === undefined);
    if (missing !== undefined || Object.keys(pair.candidates).length !== names.length) {
      throw new FisherlabError(
        `the pair ${pair.in} → ${pair.out} has the candidates ${Object.keys(pair.candidates).join(', ')} where others have ${names.join(', ')}`,
        'score every pair with every candidate',
      );
    }
  }
  return names;
}

/** Two-sided p-value of a difference. */
function pValue({ value, resampled }: Difference): number {
  if (value === 0) return 1;
  const error = resampled.length < 2 ? 0 : unbiasedStd(resampled);
  return error === 0 ? 1 / (resampled.length + 1) : Math.exp(logTwoSidedP(value / error));
}

/**
 * p-values corrected for a family of `count` tests. Where fewer are given the others are taken to
 * have larger p-values, which is the cautious reading of Holm's rule. None is above 1.
 */
export function correct(
  p: readonly number[],
  count: number,
  correction: 'holm' | 'bonferroni',
): number[] {
  const corrected = new Array<number>(p.length);
  const order = p.map((_, i) => i).sort((a, b) => (p[a] as number) - (p[b] as number));
  let before = 0;
  order.forEach((i, rank) => {
    const factor = correction === 'holm' ? count - rank : count;
    before = Math.max(before, Math.min(1, factor * (p[i] as number)));
    corrected[i] = before;
  });
  return corrected;
}
