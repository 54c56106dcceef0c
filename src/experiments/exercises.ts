/**
 * # Graded exercises
 *
 * Each notebook has one exercise that the program grades. `grade('01', answer)` tries the student's
 * function on inputs for which the right result is known independently. It returns a sentence that
 * says whether the function is right or, for common mistakes, what the mistake is.
 *
 * | notebook | the answer is | the truth is |
 * |---|---|---|
 * | 01 | (log p in nats, D) → bits/dim, −log p / (D·ln 2) | a uniform density: 8 |
 * | 02 | a representation T | automatic differentiation of T |
 * | 03 | norms → degrees of freedom ν = 2·mean²/variance | sums of ν squared normal numbers |
 * | 04 | (familiar norms f_j, those of one batch) → a score, higher = stranger | the detector |
 * | 05 | p-values → p-values corrected by Holm's rule | worked by hand |
 *
 * Answers with the same mistake get the same remark, which names the mistake and leaves the repair
 * to the student.
 */
import { detector, type FeatureTable } from '../detectors/index';
import { FisherlabError } from '../errors';
import { bothLogDets, Field, type Representation } from '../invariance/index';
import { normalAt } from '../numerics/index';

/** The answers that students hand in, by notebook. */
export interface Answers {
  /** log p in nats and the number D of pixel values → bits/dim. */
  readonly '01': (logP: number, values: number) => number;
  /** A smooth invertible map of images, with its inverse and its log|det|. */
  readonly '02': Representation;
  /** Squared norms of one layer over many images → degrees of freedom. */
  readonly '03': (norms: readonly number[]) => number;
  /** Squared norms `[layer][batch]` of familiar batches, and `[layer]` of one more → its score. */
  readonly '04': (familiar: readonly (readonly number[])[], one: readonly number[]) => number;
  /** p-values of all candidates → corrected ones, in the same order. */
  readonly '05': (p: readonly number[]) => readonly number[];
}

/** The grade of an answer. */
export interface Grade {
  readonly right: boolean;
  /** A sentence that praises, or names the mistake. */
  readonly remark: string;
}

/**
 * Judges the answer to the graded exercise of a notebook.
 * @throws {FisherlabError} if there is no exercise for this notebook
 */
export function grade<N extends keyof Answers>(notebook: N, answer: Answers[N]): Grade {
  const judge = JUDGES[notebook] as ((answer: Answers[N]) => string | undefined) | undefined;
  if (judge === undefined)
    throw new FisherlabError(
      `notebook '${notebook}' has no graded exercise`,
      `choose one of ${Object.keys(JUDGES).join(', ')}`,
    );
  let mistake: string | undefined;
  try {
    mistake = judge(answer);
  } catch (error) {
    mistake = `your answer stops with an error: ${(error as Error).message}`;
  }
  return mistake === undefined
    ? { right: true, remark: `right: exercise ${notebook} is solved` }
    : { right: false, remark: mistake };
}

const near = (a: number, b: number, tolerance = 1e-6) =>
  Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b));

const JUDGES: { readonly [N in keyof Answers]: (answer: Answers[N]) => string | undefined } = {
  '01': bits,
  '02': ownRepresentation,
  '03': degrees,
  '04': score,
  '05': corrected,
};

/** A uniform density over 256 levels has log p = −D·ln 256 and 8 bits/dim; others by hand. */
function bits(answer: Answers['01']): string | undefined {
  const cases: [logP: number, values: number, truth: number][] = [
    [-3072 * Math.log(256), 3072, 8],
    [-1024 * Math.log(2), 1024, 1],
    [512 * Math.log(2), 1024, -0.5],
  ];
  const wrong = (turn: (truth: number, values: number) => number) =>
    cases.every(([logP, values, truth]) => near(answer(logP, values), turn(truth, values)));
  if (wrong((truth) => truth)) return undefined;
  if (wrong((truth) => -truth)) return 'the sign is turned: likelier images need fewer bits';
  if (wrong((truth) => truth * Math.LN2)) return 'these are nats per dimension, not bits';
  if (wrong((truth, values) => truth * values))
    return 'these are the bits of a whole image, not of one value';
  const [logP, values, truth] = cases[0] as [number, number, number];
  return `a uniform density has ${truth} bits/dim, yours gives ${answer(logP, values)}`;
}

/** Three images of 2×2 pixels, away from black, white and grey. */
function ownRepresentation(map: Answers['02']): string | undefined {
  const shape = [2, 2, 3] as const;
  const uneven = (k: number, i: number) => 0.5 + 0.4 * Math.sin(1 + 7 * k + 3 * i);
  const images = [0, 1, 2].map((k) => Float64Array.from({ length: 12 }, (_, i) => uneven(k, i)));
  const y = images.map((x) => map.forward(new Field(x, [1, ...shape])));
  const unmoved = images.every((x, k) => x.every((v, i) => near(y[k]?.values[i] as number, v)));
  if (unmoved) return 'this map leaves every image as it is: choose one that changes something';
  const back = y.map((one) => map.inverse(one).values);
  if (!images.every((x, k) => x.every((v, i) => near(back[k]?.[i] as number, v))))
    return 'the inverse does not undo the map';
  const dets = images.map((x) => bothLogDets(map, x, shape));
  const is = (turn: (automatic: number) => number) =>
    dets.every(({ closed, automatic }) => near(closed, turn(automatic)));
  if (is((truth) => truth)) return undefined;
  if (is((truth) => -truth)) return 'the log-determinant has the sign of the inverse map';
  if (is((truth) => truth / 12))
    return 'the log-determinant is an average over the values: it must be their sum';
  const [first] = dets as [{ closed: number; automatic: number }];
  return (
    `the log-determinant of the first image is ${first.automatic.toFixed(4)}, ` +
    `yours says ${first.closed.toFixed(4)}`
  );
}

/** 4,000 sums of ν squared normal numbers: the estimate lies within a tenth of ν. */
function degrees(answer: Answers['03']): string | undefined {
  const norms = (nu: number, size: number) =>
    Array.from({ length: 4000 }, (_, n) => {
      let sum = 0;
      for (let i = 0; i < nu; i++) sum += size * normalAt(nu, n * nu + i) ** 2;
      return sum;
    });
  const truths = [4, 20];
  const found = truths.map((nu) => answer(norms(nu, 1)));
  const is = (turn: (nu: number) => number) =>
    truths.every((nu, k) => near(found[k] as number, turn(nu), 0.1));
  if (is((nu) => nu)) {
    const scaled = answer(norms(20, 9));
    return near(scaled, found[1] as number)
      ? undefined
      : 'norms nine times as large have as many degrees of freedom: divide their size out';
  }
  if (is((nu) => nu / 2)) return 'a factor 2 is missing: the variance of a χ² is 2ν, not ν';
  if (is((nu) => Math.sqrt(2 * nu))) return 'divide by the variance, not by the deviation';
  return `of 20 squared normal numbers yours finds ${(found[1] as number).toPrecision(3)} degrees`;
}

/** Familiar norms of three layers of very different sizes, and batches far out on either side. */
function score(answer: Answers['04']): string | undefined {
  const sizes = [1e-3, 1, 1e6];
  const norm = (j: number, n: number) =>
    (sizes[j] as number) * Math.exp(0.3 * (j + 1) * normalAt(j, n));
  const familiar = sizes.map((_, j) => Array.from({ length: 60 }, (_, n) => norm(j, n)));
  const z = [-6, -4, -2, 0, 1, 3, 5];
  const batches = z.map((by, b) =>
    sizes.map((size, j) => size * Math.exp(0.3 * (j + 1) * (j === b % 3 ? by : 0.1 * by))),
  );
  const given = batches.map((one) => answer(familiar, one));
  const truth = [
    ...detector('layer-wise gradients')
      .fit(table(familiar))
      .score(table(turned(batches))),
  ];
  const order = (scores: readonly number[]) =>
    [...scores.keys()].sort((a, b) => (scores[a] as number) - (scores[b] as number)).join();
  if (given.some((value) => !Number.isFinite(value))) return 'a score is not a finite number';
  if (order(given) === order(truth)) return undefined;
  if (order(given.map((value) => -value)) === order(truth))
    return 'the order is turned round: a higher score must mean stranger';
  const small = batches.map((_, b) => b).filter((b) => (z[b] as number) <= -4);
  if (small.every((b) => (given[b] as number) <= (given[6] as number) / 2))
    return 'norms far too small look familiar to it: are its distances squares, and of logarithms?';
  return 'it ranks batches otherwise than the product of normal densities of log norms does';
}

const turned = (batches: readonly (readonly number[])[]) =>
  (batches[0] as readonly number[]).map((_, j) => batches.map((one) => one[j] as number));

/** Columns `[layer][batch]` as a table of features. */
function table(columns: readonly (readonly number[])[]): FeatureTable {
  return {
    rows: (columns[0] as readonly number[]).length,
    batchSize: 1,
    columns: columns.map((values, j) => ({
      feature: 'squared-norm',
      layer: `${j}`,
      values: Float64Array.from(values),
    })),
  };
}

/** By hand, from the smallest: 0.005·4, 0.01·3, 0.03·2, and 0.04·1 may not be below 0.03·2. */
function corrected(answer: Answers['05']): string | undefined {
  const cases = [
    { p: [0.01, 0.04, 0.03, 0.005], truth: [0.03, 0.06, 0.06, 0.02] },
    { p: [0.5, 0.9], truth: [1, 1] },
  ];
  const found = cases.map(({ p }) => answer(p));
  const is = (truths: readonly (readonly number[])[]) =>
    truths.every((truth, k) => truth.every((p, i) => near(found[k]?.[i] as number, p, 1e-9)));
  if (is(cases.map(({ truth }) => truth))) return undefined;
  if (is(cases.map(({ p }) => p))) return 'nothing is corrected: the best of many is lucky';
  if (is(cases.map(({ p }) => p.map((one) => Math.min(1, one * p.length)))))
    return 'this is Bonferroni’s rule: right, but Holm’s finds more';
  if (is([[0.03, 0.04, 0.06, 0.02]]))
    return 'a larger p-value must not become smaller than the one before it';
  if (found.some((ps) => ps.some((p) => p > 1))) return 'no p-value is above 1';
  return `of 0.01, 0.04, 0.03, 0.005 yours makes ${[...(found[0] ?? [])].join(', ')}`;
}
