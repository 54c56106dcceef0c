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
 * **Fairly.** Of twenty useless candidates, one wins at p = 0.05 by luck. So p-values are
 * multiplied: all by the number of candidates (Bonferroni), or the smallest by m, the next by m −
 * 1, … and never decreasing (Holm, Scand. J. Statist. 6, 1979), which errs no more often and finds
 * more. `tried` is the number of all candidates, those that were given up included.
 *
 * **The mean over pairs** has an interval too. Pairs of a table share images (all with the same
 * in-distribution set share its scores), so that their errors do not simply average out: sets of
 * the same name are drawn alike in all pairs, and the mean of Δ is taken within each resample.
 */
import { FisherlabError } from '../errors';
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

/** An AUROC, and what it is in each resample. */
export interface ResampledAuroc {
  readonly value: number;
  readonly resampled: Float64Array;
}

/** A pair whose AUROCs are known; all of one resample are of the same draws. */
export interface MeasuredPair extends Pick<ScoredPair, 'in' | 'out' | 'model'> {
  readonly reference: ResampledAuroc;
  readonly candidates: Readonly<Record<string, ResampledAuroc>>;
}

export interface JudgingOptions {
  readonly correction?: 'holm' | 'bonferroni';
  /** How many candidates were tried in all; by default the number of candidates given. */
  readonly tried?: number;
  /**
   * Probability of calling a win or a loss where there is none, over all candidates; 0.05 by
   * default.
   */
  readonly alpha?: number;
}

export interface ComparisonOptions extends JudgingOptions {
  readonly seed: number;
  /** 1000 by default. */
  readonly resamples?: number;
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
 * which the first pair lists them.
 * @throws {FisherlabError} if there are no pairs or no candidates, if a candidate is missing in a
 *   pair, or if `tried` is below the number given; otherwise as `resampledAurocs`
 */
export function compareScores(
  pairs: readonly ScoredPair[],
  { seed, resamples = 1000, ...judging }: ComparisonOptions,
): Comparison[] {
  assertTried(candidateNames(pairs), judging.tried); // before the long part
  return compareAurocs(
    pairs.map((pair) => measure(pair, seed, resamples)),
    judging,
  );
}

/**
 * The same of pairs whose AUROCs have been resampled already.
 * @throws {FisherlabError} as `compareScores`
 */
export function compareAurocs(
  pairs: readonly MeasuredPair[],
  { correction = 'holm', tried, alpha = 0.05 }: JudgingOptions = {},
): Comparison[] {
  const names = candidateNames(pairs);
  assertTried(names, tried);
  const family = tried ?? names.length;
  const measured = pairs.map((pair) => names.map((name) => gain(pair, name))); // [pair][candidate]
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

/** Δ of one candidate in one pair. */
function gain({ reference, candidates }: MeasuredPair, name: string): Measured {
  const candidate = candidates[name] as ResampledAuroc;
  return {
    candidate: candidate.value,
    reference: reference.value,
    value: candidate.value - reference.value,
    resampled: candidate.resampled.map((value, r) => value - (reference.resampled[r] as number)),
  };
}

/** The AUROCs of a pair and their resamples. */
function measure(pair: ScoredPair, seed: number, resamples: number): MeasuredPair {
  const names = Object.keys(pair.candidates);
  const all = [pair.reference, ...names.map((name) => pair.candidates[name] as Scores)];
  const resampling = { seed, resamples, inName: pair.in, outName: pair.out };
  const resampled = resampledAurocs(all, resampling);
  const [reference, ...candidates] = all.map(
    (scores, k): ResampledAuroc => ({
      value: auroc(scores.in, scores.out),
      resampled: resampled[k] as Float64Array,
    }),
  );
  return {
    in: pair.in,
    out: pair.out,
    ...(pair.model === undefined ? {} : { model: pair.model }),
    reference: reference as ResampledAuroc,
    candidates: Object.fromEntries(names.map((name, c) => [name, candidates[c] as ResampledAuroc])),
  };
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

function assertTried(names: readonly string[], tried = names.length): void {
  if (tried >= names.length) return;
  throw new FisherlabError(
    `${names.length} candidates are compared but only ${tried} were tried`,
    'count all that were tried',
  );
}

/** The names of the candidates, the same in all pairs. */
function candidateNames(
  pairs: readonly {
    readonly in: string;
    readonly out: string;
    readonly candidates: Readonly<Record<string, unknown>>;
  }[],
): string[] {
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
