/**
 * # Tables of families, from rows of models
 *
 * The models of one family, each trained on one set, give a table for every B and method, with a
 * row for each in-distribution set and a column for each out-of-distribution set. Missing entries
 * (a model not yet trained, a set not on this machine) are `null`, and are listed. Averages and
 * quartiles are over the existing pairs.
 *
 * A family's mean of "method − typicality" is over all its pairs. Its interval comes from the means
 * within each resample. Models share the sets they are tried on, and sets of the same name are
 * resampled in the same way (`bootstrap.ts`), so shared images do not count as independent. The
 * file of each model has its own mean for each resample, which is all that is needed.
 */
import path from 'node:path';
import { FisherlabError } from '../errors';
import { PAPER_FAMILIES } from '../models/index';
import { type Estimate, interval, mean, quantileOfSorted } from '../numerics/index';
import { type ModelResults, PROTOCOLS, type Protocol } from './paper-tables';
import { COSTLY_RESULTS, RESULTS, readResultsFile, summaryFile } from './results-file';
import { MODEL_RESULTS, SUMMARY } from './results-schemas';
import { COLOUR_SETS, GREY_SETS } from './sets-to-try';

/** Images of each set in the tables that have every method. */
export const COSTLY_IMAGES = 400;

/** The command that writes all of them. */
const TABLES = 'fisherlab update';

/**
 * The tables of the shipped models.
 * @throws {FisherlabError} if there are none, or their file is damaged
 */
export function shippedSummary(): Summary {
  return readResultsFile(summaryFile(RESULTS), SUMMARY, TABLES);
}

/**
 * The tables of the shipped models with every method, from fewer images.
 * @throws {FisherlabError} if there are none, or their file is damaged
 */
export function costlySummary(): Summary {
  return readResultsFile(summaryFile(COSTLY_RESULTS), SUMMARY, TABLES);
}

/**
 * The results of one shipped model.
 * @throws {FisherlabError} if there are none, or their file is damaged
 */
export function shippedResults(model: string): ModelResults {
  return readResultsFile(path.join(RESULTS, `${model}.json`), MODEL_RESULTS, TABLES);
}

/** One method in a family's table. */
export interface MethodSummary {
  readonly method: string;
  /** AUROC, [in][out] in the order of `sets`; null on the diagonal and for missing entries. */
  readonly auroc: readonly (readonly (number | null)[])[];
  /** Over pairs. */
  readonly mean: number;
  readonly quartiles: readonly [number, number, number];
  readonly meanAupr: number;
  readonly meanFpr95: number;
  readonly pairs: number;
  /** Method − typicality over the same pairs; absent for typicality itself. */
  readonly against?: {
    readonly wins: number;
    readonly draws: number;
    readonly losses: number;
    readonly mean: Estimate;
  };
}

export interface FamilySummary {
  readonly family: string;
  readonly kind: 'colour' | 'grey';
  readonly protocol: Protocol;
  readonly batchSize: number;
  readonly sets: readonly string[];
  readonly models: readonly string[];
  readonly methods: readonly MethodSummary[];
}

export interface Summary {
  readonly families: readonly FamilySummary[];
  /** Models of the full tables that have no results. */
  readonly missing: readonly string[];
}

/**
 * Makes all tables from all results. Each protocol has its own tables; a model has one file per
 * protocol.
 * @throws {FisherlabError} if a model has two results of one protocol
 */
export function summarise(results: readonly ModelResults[]): Summary {
  const seen = new Set<string>();
  for (const { family, in: own, protocol } of results) {
    const name = `${family}-${own}, ${protocol}`;
    if (seen.has(name))
      throw new FisherlabError(`there are two results of ${name}`, 'keep one of them');
    seen.add(name);
  }
  const families: FamilySummary[] = [];
  for (const protocol of PROTOCOLS) {
    for (const kind of ['colour', 'grey'] as const) {
      for (const family of [...new Set(results.map((result) => result.family))]) {
        const own = results.filter(
          (result) =>
            result.family === family &&
            result.protocol === protocol &&
            setsOf(kind).includes(slot(result.in)),
        );
        const sizes = [
          ...new Set(own.flatMap(({ rows }) => rows.map(({ batchSize }) => batchSize))),
        ].sort((a, b) => a - b);
        for (const batchSize of sizes)
          families.push(summariseFamily(own, family, kind, protocol, batchSize));
      }
    }
  }
  const names = new Set(results.map((result) => `${result.family}-${slot(result.in)}`));
  const expected = PAPER_FAMILIES.flatMap((family) =>
    [...COLOUR_SETS, 'fashion_mnist', 'mnist'].map((set) => `${family}-${set}`),
  );
  return { families, missing: expected.filter((name) => !names.has(name)) };
}

const setsOf = (kind: 'colour' | 'grey'): readonly string[] =>
  kind === 'grey' ? GREY_SETS : COLOUR_SETS;

/** The position of a set in the tables: Tiny-ImageNet takes that of ImageNet. */
const slot = (set: string) => (set === 'tinyimagenet32' ? 'imagenet32' : set);

function summariseFamily(
  results: readonly ModelResults[],
  family: string,
  kind: 'colour' | 'grey',
  protocol: Protocol,
  batchSize: number,
): FamilySummary {
  const rows = results
    .flatMap((result) => result.rows)
    .filter((row) => row.batchSize === batchSize);
  const slots = setsOf(kind);
  const methods = [...new Set(rows.map((row) => row.method))].map((method): MethodSummary => {
    const own = rows.filter((row) => row.method === method && slots.includes(slot(row.out)));
    const aurocs = own.map((row) => row.auroc.value);
    const sorted = aurocs.slice().sort((a, b) => a - b);
    const at = (inside: string, out: string) =>
      own.find((row) => slot(row.in) === inside && slot(row.out) === out)?.auroc.value ?? null;
    const against = compare(results, method, batchSize);
    return {
      method,
      auroc: slots.map((inside) => slots.map((out) => at(inside, out))),
      mean: mean(aurocs),
      quartiles: [
        quantileOfSorted(sorted, 0.25),
        quantileOfSorted(sorted, 0.5),
        quantileOfSorted(sorted, 0.75),
      ],
      meanAupr: mean(own.map((row) => row.aupr.value)),
      meanFpr95: mean(own.map((row) => row.fpr95.value)),
      pairs: own.length,
      ...(against === undefined ? {} : { against }),
    };
  });
  // The names of the sets that are really in the table.
  const real = new Set(results.flatMap(({ sets }) => sets.map(({ name }) => name)));
  const sets = slots.map((name) =>
    name === 'imagenet32' && real.has('tinyimagenet32') ? 'tinyimagenet32' : name,
  );
  return {
    family,
    kind,
    protocol,
    batchSize,
    sets,
    models: results.map(({ model }) => model),
    methods,
  };
}

/** Compares a method with typicality over all pairs of all models of a family. */
function compare(
  results: readonly ModelResults[],
  method: string,
  batchSize: number,
): MethodSummary['against'] {
  const parts = results.flatMap(({ comparisons }) =>
    comparisons
      .filter((comparison) => comparison.batchSize === batchSize)
      .flatMap((comparison) => comparison.methods.filter(({ candidate }) => candidate === method)),
  );
  const [first] = parts;
  if (first === undefined) return undefined;
  const total = parts.reduce((sum, { pairs }) => sum + pairs.length, 0);
  const overPairs = (of: (part: (typeof parts)[number]) => number) =>
    parts.reduce((sum, part) => sum + of(part) * part.pairs.length, 0) / total;
  const resampled = Float64Array.from(first.resampled, (_, r) =>
    overPairs((part) => (part.resampled[r] as number) / 1e5),
  );
  const count = (verdict: 'wins' | 'draws' | 'losses') =>
    parts.reduce((sum, part) => sum + part[verdict], 0);
  return {
    wins: count('wins'),
    draws: count('draws'),
    losses: count('losses'),
    mean: { value: overPairs((part) => part.mean.value), ...interval(resampled) },
  };
}
