/**
 * # The paper's figures of colour images
 *
 * These figures are drawn from stored tables (`figure-tables.ts`), because their sets may not be
 * redistributed. They show the likelihoods of each model's own test images and of four other sets;
 * the squared norms of two layers, each alone and against each other; more layers of every family;
 * and how the correlation between layers falls with their distance, in and out of distribution.
 */
import type { FeatureTable, NamedTable } from '../detectors/index';
import { columnsOf } from '../detectors/index';
import { decorrelation } from '../fisher/index';
import {
  type Figure,
  type FigureOptions,
  histogram,
  labelOf,
  panels,
  scatter,
} from '../plots/index';
import { figureLayers, figureTables, layerTables } from './figure-tables';
import { decorrelationFigure } from './fisher-figures';

/** The number of pixel values of a colour image, 32 · 32 · 3. */
const VALUES = 3072;
/** The smallest positive float32, used instead of a norm of 0 before taking logarithms. */
const LEAST = 2 ** -149;

const family = (model: string) => model.slice(0, model.indexOf('-'));
const own = (model: string) => labelOf(model.slice(model.indexOf('-') + 1));

/**
 * Likelihood histograms, one panel per model, of its own test set and four others. For Glow in
 * bits/dim; for diffusion models the loss of one denoising step, which the paper uses as −log p.
 */
export async function likelihoodFigure(
  models: readonly string[],
  options: FigureOptions & { readonly columns?: number } = {},
): Promise<Figure> {
  const parts: Figure[] = [];
  for (const model of models) {
    const flow = family(model) === 'glow';
    const unit = flow ? VALUES * Math.LN2 : 1;
    const tables = await figureTables(model, 1);
    parts.push(
      histogram(
        tables.map(({ name, table }) => ({
          name,
          values: values(table, 'log-likelihood').map((l) => -l / unit),
        })),
        {
          x: flow ? 'bits/dim' : 'denoising loss, in place of −log p',
          title: `${family(model)} of ${own(model)}`,
          width: 440,
          height: 280,
        },
      ),
    );
  }
  return panels(parts, { columns: 2, ...options });
}

/**
 * The squared norms of two layers at batch size B: log f of the first (left), of the second
 * (middle), and both against each other (right), for a model's own test set and four others.
 */
export async function twoLayersFigure(
  model: string,
  batchSize: number,
  options: FigureOptions = {},
): Promise<Figure> {
  const [one, other] = figureLayers(model) as [string, string];
  const tables = await figureTables(model, batchSize);
  const [left, right] = [logNorms(tables, one), logNorms(tables, other)];
  const size = { width: 340, height: 320 };
  const points = left.map(({ name, values: x }, s) => ({ name, x, y: right[s]?.values ?? [] }));
  return panels(
    [
      histogram(left, { ...size, x: 'log squared norm, log f', title: one }),
      histogram(right, { ...size, x: 'log squared norm, log f', title: other }),
      scatter(points, {
        ...size,
        x: 'log f, left layer',
        y: 'log f, middle layer',
        title: 'both',
        legend: false,
      }),
    ],
    { title: `${family(model)} of ${own(model)}, B = ${batchSize}`, ...options },
  );
}

/** Log squared norms of the four stored layers of some models, one row per model. */
export async function moreLayersFigure(
  models: readonly string[],
  batchSize: number,
  options: FigureOptions = {},
): Promise<Figure> {
  const parts: Figure[] = [];
  for (const model of models) {
    const tables = await figureTables(model, batchSize);
    for (const layer of figureLayers(model))
      parts.push(
        histogram(logNorms(tables, layer), {
          x: 'log f',
          title: layer.replace('flow.layers.', '').replace('conv_backbone', 'conv'),
          legend: false,
          width: 300,
          height: 260,
        }),
      );
  }
  return panels(parts, { columns: 4, legend: true, ...options });
}

/**
 * Correlation of log norms against the distance of layers, for CIFAR-10 (in distribution) and SVHN
 * (out of distribution), one panel per model of CIFAR-10.
 */
export async function correlationFigure(
  models: readonly string[],
  settings: { readonly seed: number; readonly resamples: number },
  options: FigureOptions = {},
): Promise<Figure> {
  const parts: Figure[] = [];
  for (const model of models) {
    const tables = await layerTables(model);
    const sets = tables.map(({ name, table }) => ({
      name,
      found: decorrelation(
        columnsOf(table, 'squared-norm').map((column) => logs(column.values)),
        settings,
      ),
    }));
    parts.push(
      decorrelationFigure(sets, {
        title: `${family(model)} of CIFAR-10`,
        width: 440,
        height: 320,
        legend: false,
      }),
    );
  }
  return panels(parts, { legend: true, ...options });
}

const logs = (norms: Float64Array) => norms.map((f) => Math.log(Math.max(f, LEAST)));

function values(table: FeatureTable, feature: string, layer?: string): Float64Array {
  const column = table.columns.find((one) => one.feature === feature && one.layer === layer);
  return (column as NonNullable<typeof column>).values;
}

/** Logarithms of the squared norms of one layer, with one series per set. */
export const logNorms = (tables: readonly NamedTable[], layer: string) =>
  tables.map(({ name, table }) => ({ name, values: logs(values(table, 'squared-norm', layer)) }));
