/**
 * # Figures of the tables
 *
 * A table is drawn as a heat map, with in-distribution sets as rows, out-of-distribution sets as
 * columns, and blanks where there is no pair. Methods are compared by bars. An ablation has one
 * line per pair. All figures are drawn from results in the form of the files.
 */

import type { ResultRow } from '../evaluation/index';
import type { Figure } from '../plots/index';
import { bars, heatmap, lines } from '../plots/index';
import type { AblationPoint } from './ablation-points';
import type { Ablations } from './ablations';
import type { Ladder } from './ladder';
import { PAPER_BATCH_SIZE, paperTimesteps } from './paper-known';
import type { FamilySummary } from './summary';

/** The AUROCs of one method in a family's table; chance is in the middle of the colour scale. */
export function tableFigure(summary: FamilySummary, method: string): Figure {
  const found = summary.methods.find((one) => one.method === method);
  return heatmap(found?.auroc ?? [], {
    title: `${summary.family}, B = ${summary.batchSize}: ${method}`,
    columns: summary.sets,
    rows: summary.sets,
    x: 'out of distribution',
    y: 'in distribution',
    range: [0, 1],
    digits: 3,
    unit: 'AUROC',
  });
}

/** The paper's method. */
const PAPER = 'layer-wise gradients';

/**
 * Mean difference to typicality over the pairs of a family, with a bar and a 95 % interval for each
 * method, the best at the top.
 */
export function differencesFigure(summary: FamilySummary): Figure {
  const compared = summary.methods
    .flatMap(({ method, against }) => (against === undefined ? [] : [{ method, ...against.mean }]))
    .sort((a, b) => b.value - a.value);
  const series = {
    name: 'method − typicality',
    values: compared.map(({ value }) => value),
    // If scores hardly overlap, an interval of quantiles need not contain the value; the interval
    // of a bar must.
    low: compared.map(({ low, value }) => Math.min(low, value)),
    high: compared.map(({ high, value }) => Math.max(high, value)),
  };
  const paper = compared.findIndex(({ method }) => method === PAPER);
  const most = Math.max(0.05, ...series.high.map(Math.abs), ...series.low.map(Math.abs));
  return bars(
    compared.map(({ method }) => method),
    [series],
    {
      title: `${summary.family}, B = ${summary.batchSize}: mean over ${summary.methods[0]?.pairs ?? 0} pairs`,
      y: 'mean AUROC above (right) or below (left) typicality’s',
      range: [-most, most],
      lying: true,
      highlight: PAPER,
      caption:
        `Mean difference of AUROC to typicality, with 95 % intervals: right of 0 is better. The ` +
        `paper’s method, in colour, is ${paper + 1} of ${compared.length}.`,
      height: 100 + 22 * compared.length,
    },
  );
}

/** AUROC of some methods for every pair of one model, with intervals. */
export function pairsFigure(
  rows: readonly ResultRow[],
  methods: readonly string[],
  batchSize: number,
): Figure {
  const own = rows.filter((row) => row.batchSize === batchSize);
  const outs = [...new Set(own.map((row) => row.out))];
  const series = methods.map((method) => {
    const estimates = outs.flatMap((out) =>
      own.filter((row) => row.out === out && row.method === method).map((row) => row.auroc),
    );
    return {
      name: method,
      values: estimates.map(({ value }) => value),
      low: estimates.map(({ low, value }) => Math.min(low, value)),
      high: estimates.map(({ high, value }) => Math.max(high, value)),
    };
  });
  return bars(outs, series, {
    title: `${own[0]?.model ?? ''}, B = ${batchSize}`,
    y: 'AUROC',
    range: [0, 1],
    guides: [{ axis: 'y', value: 0.5, label: 'chance' }],
  });
}

/**
 * One ablation for one B and method: AUROC over the varied number, with a line for each
 * out-of-distribution set.
 */
export function ablationFigure(
  points: readonly AblationPoint[],
  { title, x, method, batchSize }: { title: string; x: string; method: string; batchSize?: number },
): Figure {
  const own = points.filter(
    (point) =>
      point.method === method && (batchSize === undefined || point.batchSize === batchSize),
  );
  const outs = [...new Set(own.map((point) => point.out))];
  return lines(
    outs.map((out) => {
      const line = own.filter((point) => point.out === out);
      return {
        name: out,
        x: line.map((point) => point.x),
        y: line.map((point) => point.auroc.value),
        low: line.map((point) => point.auroc.low),
        high: line.map((point) => point.auroc.high),
        markers: true,
        // numbers from the literature, without intervals
        dashed: line.every(({ auroc: { low, high } }) => low === high),
      };
    }),
    { title, x, y: 'AUROC', logX: true, guides: [{ axis: 'y', value: 0.5, label: 'chance' }] },
  );
}

/** The method whose ablations are drawn. */
const LAYERWISE = 'layer-wise gradients';

type AblationFigure = readonly [
  string,
  readonly AblationPoint[],
  { readonly batchSize?: number; readonly title: string; readonly x: string },
];

/** The figures of a model's ablations by name, without those that have no points. */
export function ablationFigures(results: Ablations): [string, Figure][] {
  const { layers, batchSizes, fitSizes, noiseDraws, timesteps } = results;
  const paper = (B: number) => (B === PAPER_BATCH_SIZE ? paperTimesteps(LAYERWISE) : []);
  return drawn([
    ['layers-1', layers, { batchSize: 1, title: 'Number of layers, B = 1', x: 'layers' }],
    ['layers-5', layers, { batchSize: 5, title: 'Number of layers, B = 5', x: 'layers' }],
    ['batch-size', batchSizes, { title: 'Batch size', x: 'B' }],
    ['fit-set', fitSizes, { batchSize: 1, title: 'Fit set, B = 1', x: 'batches that fit' }],
    ['noise', noiseDraws, { batchSize: 1, title: 'Draws of the noise, B = 1', x: 'draws' }],
    ...[1, 5].map((batchSize): AblationFigure => {
      const points = timesteps.length === 0 ? [] : [...timesteps, ...paper(batchSize)];
      const title = `Timestep, B = ${batchSize}`;
      return [`timestep-${batchSize}`, points, { batchSize, title, x: 'T' }];
    }),
  ]);
}

/** The figures of the ladder by name. */
export function ladderFigures({ sizes, lengths }: Ladder): [string, Figure][] {
  return drawn(
    [1, 5].flatMap((batchSize): AblationFigure[] => {
      const size = { batchSize, title: `Size of the model, B = ${batchSize}`, x: 'parameters' };
      const length = { batchSize, title: `Length of training, B = ${batchSize}`, x: 'steps' };
      return [
        [`size-${batchSize}`, sizes, size],
        [`length-${batchSize}`, lengths, length],
      ];
    }),
  );
}

function drawn(figures: readonly AblationFigure[]): [string, Figure][] {
  return figures
    .filter(([, points]) => points.length > 0)
    .map(([name, points, options]) => [
      name,
      ablationFigure(points, { method: LAYERWISE, ...options }),
    ]);
}
