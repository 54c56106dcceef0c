/**
 * # What a detector finds beyond simpler numbers
 *
 * The columns of a model may contain nothing that simpler numbers of the same images do not tell.
 * To find out, the simpler numbers t are removed: each column y is regressed on them over the fit
 * set, with linear and squared terms (because a detector is two-sided),
 *
 *     y ≈ β_0 + Σ_j β_j t_j + Σ_j γ_j t_j²,
 *
 * and the detector is given the residual. What it still finds is not explained by t; what it no
 * longer finds was.
 */
import { leastSquares } from '../numerics/index';
import { assertFinite } from './combine';
import type { Detector } from './detector';
import { standardiseBy } from './matrix';
import { type Column, columnsOf, type FeatureTable } from './table';

/**
 * @param features whose columns are replaced by their residuals, as they are
 * @param on the feature whose columns explain
 * @throws {FisherlabError} at the fit and at scoring, if the table has not these features, or a
 *   number is not finite
 */
export function residualOf(
  detector: Detector,
  features: readonly string[],
  on: string,
  name = `${detector.name} without ${on}`,
): Detector {
  return {
    name,
    fit(inDistribution) {
      const explaining = squaresOf(columnsOf(inDistribution, on));
      const wanted = features.flatMap((feature) => columnsOf(inDistribution, feature));
      for (const column of wanted) assertFinite(column);
      const predict = leastSquares(
        explaining(inDistribution, on),
        wanted.map(({ values }) => values),
      );
      const reduced = (table: FeatureTable): FeatureTable => {
        const explained = predict(explaining(table, on));
        const columns = features
          .flatMap((feature) => columnsOf(table, feature))
          .map((column, k) => ({
            ...column,
            values: column.values.map((y, i) => y - (explained[k]?.[i] as number)),
          }));
        return { ...table, columns };
      };
      const fitted = detector.fit(reduced(inDistribution));
      return { score: (table) => fitted.score(reduced(table)) };
    },
  };
}

/**
 * The columns of a feature and their squares, standardised by those given; of no variance they are
 * left out.
 */
export function squaresOf(known: readonly Column[]) {
  const kept = known.flatMap(({ values }, j) => (values.some((v) => v !== values[0]) ? [j] : []));
  const pick = (columns: readonly Column[]) => kept.map((j) => columns[j] as Column);
  const standardise = standardiseBy(pick(known));
  return (table: FeatureTable, feature: string): Float64Array[] => {
    const { n, d, values } = standardise(pick(columnsOf(table, feature)));
    return [1, 2].flatMap((power) =>
      Array.from({ length: d }, (_, j) =>
        Float64Array.from({ length: n }, (_, i) => (values[i * d + j] as number) ** power),
      ),
    );
  };
}
