/**
 * # Figures with a slider for a threshold, a pair of layers or the batch size
 *
 * Each position of a slider is a separate figure, drawn beforehand, with a label that says in
 * numbers what it shows. `notebook.showMoving` puts them together.
 *
 * A threshold c on a score raises an alarm above it. The share of familiar scores above c is the
 * false-positive rate; the share of strange scores above c is the true-positive rate. As c moves,
 * the two rates trace out the ROC curve, whose area is the AUROC. How well a pair of layers
 * separates two sets depends on the pair and on the number B of images in a batch. Both values of B
 * show the same number of batches, so that the clouds differ only in shape.
 */
import type { NamedTable } from '../detectors/index';
import { FisherlabError } from '../errors';
import { quantileOfSorted } from '../numerics/index';
import { type Figure, histogram, scatter, type ValueSeries } from '../plots/index';
import { FIGURE_TABLES, figureLayers, figureTables } from './figure-tables';
import { logNorms } from './paper-figures';

/** One position of a slider: what it shows, in words, and the figure. */
export interface MovingFrame {
  readonly label: string;
  readonly figure: Figure;
}

/** The share of scores above a threshold. */
const shareAbove = (values: ArrayLike<number>, threshold: number) =>
  Array.from(values).filter((value) => value > threshold).length / values.length;

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

/**
 * Two histograms of scores, higher = stranger, and a threshold at quantiles of the familiar ones.
 * @param quantiles positions of the threshold, shares of the familiar scores below it, in [0, 1]
 * @throws {FisherlabError} if there are no familiar or no strange scores
 */
export function thresholdFrames(
  familiar: ValueSeries,
  strange: ValueSeries,
  quantiles: readonly number[],
  axes: { readonly x: string; readonly range?: readonly [number, number]; digits?: number },
): MovingFrame[] {
  for (const { name, values } of [familiar, strange])
    if (values.length === 0)
      throw new FisherlabError(`'${name}' has no scores`, 'give at least one of either kind');
  const { digits = 0, ...shown } = axes;
  const sorted = Float64Array.from(familiar.values).sort();
  return quantiles.map((q) => {
    const threshold = quantileOfSorted(sorted, q);
    const found = `${percent(shareAbove(strange.values, threshold))} of strangers found`;
    const falseAlarms = `${percent(shareAbove(familiar.values, threshold))} false alarms`;
    const title = `${found}, ${falseAlarms}`;
    return {
      label: `threshold ${threshold.toFixed(digits)}: ${title}`,
      figure: histogram([familiar, strange], {
        ...shown,
        title,
        guides: [{ axis: 'x', value: threshold, label: 'threshold' }],
      }),
    };
  });
}

/** The name of a layer without the part that all layers share. */
const short = (layer: string) => layer.replace('flow.layers.', '');

/**
 * Log squared norms of two layers against each other: every pair of a model's stored layers, at B =
 * 1 and at B = 5.
 * @throws {FisherlabError} if the model has no stored tables
 */
export async function layerPairFrames(model: string): Promise<MovingFrame[]> {
  const layers = figureLayers(model);
  const tables = await Promise.all(FIGURE_TABLES.batchSizes.map((B) => figureTables(model, B)));
  const batches = Math.min(...tables.flat().map(({ table }) => table.rows));
  const first = (of: readonly NamedTable[], layer: string) =>
    logNorms(of, layer).map(({ name, values }) => ({ name, values: values.slice(0, batches) }));
  return layers.flatMap((one, i) =>
    layers.slice(i + 1).flatMap((other) =>
      FIGURE_TABLES.batchSizes.map((B, b) => {
        const x = first(tables[b] as NamedTable[], one);
        const y = first(tables[b] as NamedTable[], other);
        return {
          label: `B = ${B}: ${short(one)} and ${short(other)}`,
          figure: scatter(
            x.map(({ name, values }, s) => ({ name, x: values, y: y[s]?.values ?? [] })),
            { x: `log f, ${short(one)}`, y: `log f, ${short(other)}`, title: `${model}, B = ${B}` },
          ),
        };
      }),
    ),
  );
}
