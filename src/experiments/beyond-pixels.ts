/**
 * # Beyond pixel statistics
 *
 * The question of every detector here: does it find strangers that nine numbers of the pixels
 * (`pixel-baseline.ts`) do not? Asked of every shipped model of colour images,
 *
 * - on the other sets, and on controlled ones on which the nine numbers are nearly blind
 *   (`controlled-sets.ts`);
 * - with the sets in a seeded order, one noise for all images where it enters the gradient, and for
 *   VAEs with each image's own noise too, and in the order of the files;
 * - each AUROC, and its distance to that of the pixel statistics on the same batches, with
 *   intervals that contain the luck of the fit (`evaluation/in-turn.ts`);
 * - before and after the nine numbers are taken out of the columns (`detectors/residual.ts`), with
 *   the share R² of a score's ranks that they and their squares explain.
 */
import {
  combine,
  type Detector,
  detector,
  type FeatureTable,
  independentNormals,
  neighboursOfMeans,
  raw,
  residualOf,
  sliceRows,
  squaresOf,
} from '../detectors/index';
import type { Scores, Turns } from '../evaluation/index';
import { halves } from '../evaluation/index';
import { MEAN_LOG_NORM } from '../features/index';
import { explainedShare, ranks } from '../numerics/index';

/** How the images are looked at: which noise, in which order. */
export type View = 'one noise' | 'own noise' | 'own noise, order of files';

/** A detector of the study by its name, and the views it is asked in. */
interface Method {
  readonly name: string;
  readonly make: () => Detector;
}

export const PIXELS = 'pixel statistics';
export const CHOSEN = 'neighbours of mean log norms and likelihood';
export const PAPER_METHOD = 'layer-wise gradients';
const WITHOUT = 'pixel statistics taken out';

const meansAsNormals = () =>
  combine([raw(MEAN_LOG_NORM)], independentNormals(), 'independent normals of mean log norms');

export const METHODS: readonly Method[] = [
  ...[PIXELS, 'typicality', 'density of the log-likelihood', PAPER_METHOD].map((name) => ({
    name,
    make: () => detector(name),
  })),
  { name: 'independent normals of mean log norms', make: meansAsNormals },
  { name: CHOSEN, make: neighboursOfMeans },
  {
    name: `independent normals of mean log norms, ${WITHOUT}`,
    make: () => residualOf(meansAsNormals(), [MEAN_LOG_NORM], 'pixel-statistic'),
  },
  {
    name: `${CHOSEN}, ${WITHOUT}`,
    make: () =>
      residualOf(neighboursOfMeans(), [MEAN_LOG_NORM, 'log-likelihood'], 'pixel-statistic'),
  },
];

/**
 * Scores of the methods on one pair, `[method]`; `in` of each turn is the half that did not fit.
 */
export type Scored = readonly Turns[];

/** Fits every method on each half of `inside`; scores the other and all of `outside`, by set. */
export function scoredInTurn(
  inside: FeatureTable,
  outside: readonly FeatureTable[],
): { pairs: Scored[]; explained: number[] } {
  const { fit: first, score: second } = halves(inside);
  const byMethod = METHODS.map(({ make }) =>
    (
      [
        [first, second],
        [second, first],
      ] as const
    ).map(([fit, score]) => {
      const fitted = make().fit(fit);
      return { in: fitted.score(score), out: outside.map((table) => fitted.score(table)) };
    }),
  );
  const pairs = outside.map((_, s) =>
    byMethod.map((turns) => {
      const [one, two] = turns.map(
        ({ in: own, out }): Scores => ({
          in: own,
          out: out[s] as Float64Array,
        }),
      );
      return [one, two] as Turns;
    }),
  );
  // Of the familiar batches that did not fit, and as many of each other set as there are.
  const predictors = squaresOf(pixelColumns(first));
  const tables = [second, ...outside.map((table) => sliceRows(table, 0, second.rows))];
  const columns = tables.map((table) => predictors(table, 'pixel-statistic'));
  const all = (columns[0] ?? []).map((_, k) =>
    Float64Array.from(columns.flatMap((ofTable) => [...(ofTable[k] as Float64Array)])),
  );
  const explained = byMethod.map(([turn]) => {
    const scores = [turn?.in, ...(turn?.out ?? [])].flatMap((one, s) => [
      ...(one as Float64Array).subarray(0, tables[s]?.rows),
    ]);
    return explainedShare(all, ranks(Float64Array.from(scores)));
  });
  return { pairs, explained };
}

const pixelColumns = ({ columns }: FeatureTable) =>
  columns.filter(({ feature }) => feature === 'pixel-statistic');
