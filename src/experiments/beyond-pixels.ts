/**
 * # Beyond pixel statistics
 *
 * Does a detector find strange images that nine statistics of the pixels (`pixel-baseline.ts`) do
 * not find? The study asks this for every detector and every shipped model of colour images:
 *
 * - on the other sets, and on controlled sets that the nine statistics can hardly tell apart
 *   (`controlled-sets.ts`);
 * - with the sets in a seeded order, and with one noise for all images if it enters the gradient;
 *   for VAEs also with each image's own noise, and in the order of the files;
 * - by AUROC, and by its difference to the AUROC of the pixel statistics on the same batches, with
 *   intervals that include the randomness of the fit (`evaluation/in-turn.ts`);
 * - before and after the nine statistics are regressed out of the columns
 *   (`detectors/residual.ts`). R² is the share of the variance of a score's ranks that they and
 *   their squares explain.
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

/** Which noise the images get, and their order. */
export type View = 'one noise' | 'own noise' | 'own noise, order of files';

/** A detector of the study, with its name and the views it is used in. */
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
 * Scores of the methods on one pair, `[method]`. In each turn, `in` is the half that was not fitted
 * on.
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
  // The familiar batches that were not fitted on, and equally many of each other set.
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
