/**
 * # The numbers on the pages
 *
 * No number in the README is typed by hand. The text between the comments `results` and `/results`
 * is generated from the stored first experiment, `families` from the summary of all models, and
 * `single` from the round of the single detector. In `data/models/README.md`, `models` is generated
 * from the model cards; in `docs/scale.md`, two tables from the measurements of scale; in
 * `docs/start-up.md`, two tables from the measurements of starting; in
 * `docs/beyond-pixels.md`, three tables from the study of pixel statistics; in
 * `environment.md`, `speed` from the times next to PyTorch's, `kernel` from the times of the
 * notebook kernel, and `faults` from the fault campaign. The README's picture is drawn from the
 * first experiment too. A test compares the pages with the files.
 */
import { readFileSync } from 'node:fs';
import { inCheckout, writeBeside } from '../backend/index';
import { FisherlabError } from '../errors';
import { shippedHeader } from '../models/index';
import { mean } from '../numerics/index';
import { bars, type Figure, labelOf, saveFigure } from '../plots/index';
import { beyondParts, shippedBeyondPixels } from './beyond-rows';
import { type FaultCampaign, shippedFaults } from './fault-table';
import {
  type FirstResults,
  type FlatRow,
  MAIN_METHODS,
  readFirstResults,
} from './first-experiment';
import { kernelParts, shippedKernel } from './kernel-results';
import { markdownTable } from './markdown-table';
import { type ModelCard, shippedCards } from './model-cards';
import { purposeOf } from './pairs';
import { type PixelBaseline, pixelMean, shippedPixelBaseline } from './pixel-baseline';
import { FIRST_PICTURE } from './results-file';
import type { RoundResult } from './rounds';
import { scaleParts, shippedScale } from './scale-results';
import { shippedSingleRound, singleRows } from './single-rows';
import { shippedSpeed, speedParts } from './speed-results';
import { shippedStartUp, startUpParts } from './start-up-results';
import { type FamilySummary, type Summary, shippedSummary } from './summary';
import { isLower } from './trial-outcome';

export const README = inCheckout('README.md');
export const ENVIRONMENT = inCheckout('environment.md');
export const MODELS_README = inCheckout('data', 'models', 'README.md');
export const SCALE_PAGE = inCheckout('docs', 'scale.md');
export const START_UP_PAGE = inCheckout('docs', 'start-up.md');
export const BEYOND_PAGE = inCheckout('docs', 'beyond-pixels.md');

/**
 * Writes the pages and the picture.
 * @throws {FisherlabError} if results are missing, or a page lacks a mark
 */
export async function fillPages(): Promise<void> {
  const results = readFirstResults();
  await saveFigure(picture(results), FIRST_PICTURE);
  await fill(README, readmeParts(results, shippedSummary()));
  await fill(MODELS_README, modelsParts(shippedCards()));
  await fill(SCALE_PAGE, scaleParts(shippedScale()));
  await fill(START_UP_PAGE, startUpParts(shippedStartUp()));
  await fill(BEYOND_PAGE, beyondParts(shippedBeyondPixels()));
  await fill(ENVIRONMENT, {
    ...speedParts(shippedSpeed()),
    ...kernelParts(shippedKernel()),
    ...environmentParts(shippedFaults()),
  });
}

async function fill(file: string, parts: Readonly<Record<string, string>>): Promise<void> {
  await writeBeside(file, filledIn(readFileSync(file, 'utf8'), parts));
}

/**
 * A page with the text between its marks replaced; `parts` has the new text by the name of the
 * mark.
 * @throws {FisherlabError} if a mark is not there
 */
export function filledIn(page: string, parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).reduce((text, [mark, part]) => {
    const [begin, end] = [`<!-- ${mark} -->`, `<!-- /${mark} -->`];
    const [before, rest] = text.split(begin);
    const after = rest?.split(end)[1];
    if (before === undefined || after === undefined)
      throw new FisherlabError(`the page lacks '${begin}' or '${end}'`, 'put the marks back');
    return `${before}${begin}\n${part}\n${end}${after}`;
  }, page);
}

/** The parts of the README. */
export function readmeParts(results: FirstResults, summary: Summary): Record<string, string> {
  return {
    results: resultsTable(results.rows),
    families: familiesTable(summary, shippedPixelBaseline()),
    single: singleTable(shippedSingleRound()),
  };
}

/** The parts of the page about the shipped models. */
export function modelsParts(cards: readonly ModelCard[]): Record<string, string> {
  const lines = cards.map(
    ({ model, tensors, parameters, steps, images, bitsPerDim, how, literature }) => {
      const count = (value: number) => value.toLocaleString('en');
      return [
        `\`${model}\``,
        tensors,
        count(parameters),
        count(steps),
        count(images),
        bitsPerDim.toFixed(3),
        how,
        literature ?? '–',
      ];
    },
  );
  return {
    models: markdownTable(
      ['model', 'tensors', 'parameters', 'steps', 'images', 'bits/dim', 'which are', 'literature'],
      lines,
    ),
  };
}

/** The parts of the page about the environment. */
export function environmentParts({ faults }: FaultCampaign): Record<string, string> {
  const lines = faults.map(({ what, tried, survived, note }) => [what, tried, survived, note]);
  return { faults: markdownTable(['what was done', 'tried', 'survived', 'how'], lines) };
}

function resultsTable(rows: readonly FlatRow[]): string {
  const cell = (row: FlatRow | undefined) =>
    row === undefined
      ? '–'
      : `${row.auroc.toFixed(3)} [${row.low.toFixed(3)}, ${row.high.toFixed(3)}]`;
  const pairs = new Map(rows.map((row) => [`${row.batchSize} ${row.out}`, row]));
  const lines = [...pairs.values()].map(({ in: inside, out, batchSize }) => {
    const of = (method: string) =>
      rows.find((row) => row.method === method && row.out === out && row.batchSize === batchSize);
    return [
      `${labelOf(inside)} → ${labelOf(out)}`,
      batchSize,
      ...MAIN_METHODS.map((method) => cell(of(method))),
    ];
  });
  return markdownTable(['in → out', 'B', ...MAIN_METHODS], lines);
}

const STRANGEST = 'strangest of neighbours, factors and typicality';
const FAMILY_METHODS = [...MAIN_METHODS, STRANGEST];

/** The mean AUROC over the pairs that were not used for choosing, and their number. */
function reportingMean({ sets, methods }: FamilySummary, name: string): string {
  const auroc = methods.find(({ method }) => method === name)?.auroc ?? [];
  const reporting = auroc.flatMap((row, i) =>
    row.filter(
      (value, j): value is number =>
        value !== null && purposeOf(sets[i] as string, sets[j] as string) === 'reporting',
    ),
  );
  return reporting.length === 0 ? '–' : `${mean(reporting).toFixed(3)} (${reporting.length})`;
}

/**
 * A line for each family, kind of sets and B. It has the mean AUROC over the pairs for the baseline
 * without a model and for each method, for the chosen combination also that over the reporting
 * pairs alone, and the difference between the paper's method and typicality.
 */
function familiesTable({ families }: Summary, baseline: PixelBaseline): string {
  const lines = families
    .filter(({ protocol }) => protocol === 'halves')
    .map((summary) => {
      const { family, kind, batchSize, methods, models } = summary;
      const of = (name: string) => methods.find(({ method }) => method === name);
      const means = FAMILY_METHODS.map((name) => of(name)?.mean.toFixed(3) ?? '–');
      const inside = models.map((model) => shippedHeader(model).data.name);
      const pixels = pixelMean(baseline, inside, batchSize).toFixed(3);
      const paper = of('layer-wise gradients');
      const against = paper?.against?.mean;
      const margin =
        against === undefined
          ? '–'
          : `${against.value.toFixed(3)} [${against.low.toFixed(3)}, ${against.high.toFixed(3)}]`;
      const unseen = reportingMean(summary, STRANGEST);
      return [family, kind, paper?.pairs ?? 0, batchSize, pixels, ...means, unseen, margin];
    });
  return markdownTable(
    [
      'family',
      'sets',
      'pairs',
      'B',
      'pixel statistics, no model',
      ...FAMILY_METHODS,
      'strangest, reporting pairs (how many)',
      'layer-wise − typicality',
    ],
    lines,
  );
}

/**
 * A line for each family, purpose and B; the lines of all reporting pairs also have the interval of
 * the gain.
 */
function singleTable(round: RoundResult): string {
  const lines = singleRows(round).map(
    ({ family, pairs, count, batchSize, paper, auroc, lower }) => [
      family,
      pairs,
      count,
      batchSize,
      paper.toFixed(3),
      auroc.toFixed(3),
      (auroc - paper).toFixed(3),
      lower,
    ],
  );
  const { candidate, rows, means } = round.reporting;
  const all = means.map(({ batchSize, paper, auroc, value, low, high }) => {
    const own = rows.filter((row) => row.batchSize === batchSize && row.candidate === candidate);
    return [
      'all',
      'reporting',
      own.length,
      batchSize,
      paper.toFixed(3),
      auroc.toFixed(3),
      `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`,
      own.filter(isLower).length,
    ];
  });
  return markdownTable(
    ['family', 'pairs for', 'pairs', 'B', 'layer-wise gradients', 'one detector', 'gain', 'lower'],
    [...all, ...lines],
  );
}

function picture({ rows }: FirstResults): Figure {
  const single = rows.filter((row) => row.batchSize === 1);
  const outs = [...new Set(single.map((row) => row.out))];
  const of = (method: string, out: string) =>
    single.find((row) => row.method === method && row.out === out) as FlatRow;
  return bars(
    outs,
    MAIN_METHODS.map((method) => ({
      name: method,
      values: outs.map((out) => of(method, out).auroc),
      low: outs.map((out) => of(method, out).low),
      high: outs.map((out) => of(method, out).high),
    })),
    {
      y: 'AUROC',
      range: [0, 1],
      guides: [{ axis: 'y', value: 0.5, label: 'chance' }],
      title: 'A Glow of Fashion-MNIST looks at single images of sets it never saw',
    },
  );
}
