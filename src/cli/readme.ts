/**
 * # `fisherlab readme`: the numbers of the README, from the file that `npm start` wrote
 *
 * No number in the README is typed by hand: `npm start` leaves `out/results.json`; this command
 * keeps it as `data/results/first-experiment.json` (with `--keep`), draws the README's picture from
 * it, and fills in what stands between `<!-- results -->` and `<!-- /results -->`; likewise
 * `families` from `summary.json`, and in `data/models/README.md` `models` from `models.json`. A
 * test holds the pages against the files.
 */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { FisherlabError, inCheckout, writeBeside } from '../backend/index';
import {
  type FlatRow,
  type ModelCard,
  type ResultsFile,
  readResultsFile,
  type Summary,
  shippedCards,
  shippedSummary,
} from '../experiments/index';
import { bars, type Figure, saveFigure } from '../plots/index';
import { labelOf } from '../terminal/index';

export const README = inCheckout('README.md');
export const MODELS_README = inCheckout('data', 'models', 'README.md');
export const KEPT_RESULTS = inCheckout('data', 'results', 'first-experiment.json');
const PICTURE = inCheckout('data', 'results', 'first-experiment.svg');

export function register(program: Command): void {
  program
    .command('readme')
    .description('fill the numbers of the last npm start into the README')
    .option('--keep', 'take the results of the last npm start; else those already kept')
    .action(async ({ keep = false }: { keep?: boolean }) => fillIn(keep));
}

/** Writes both pages. @param keep whether the results of the last `npm start` are taken first */
export async function fillIn(keep: boolean): Promise<void> {
  const results = readResults(keep ? inCheckout('out', 'results.json') : KEPT_RESULTS);
  if (keep) await writeBeside(KEPT_RESULTS, `${JSON.stringify(results, null, 1)}\n`);
  await saveFigure(picture(results), PICTURE);
  await writeBeside(
    README,
    filledIn(readFileSync(README, 'utf8'), readmeParts(results, shippedSummary())),
  );
  await writeBeside(
    MODELS_README,
    filledIn(readFileSync(MODELS_README, 'utf8'), modelsParts(shippedCards())),
  );
  console.log('README.md and data/models/README.md hold the numbers of data/results');
}

export function readResults(file: string): ResultsFile {
  return readResultsFile(file, 'npm start') as ResultsFile;
}

/**
 * A page with what stands between its marks made anew: `parts` by the name of the mark. Errors: a
 * mark that is not there.
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
export function readmeParts(results: ResultsFile, summary: Summary): Record<string, string> {
  return { results: markdownTable(results.rows), families: familiesTable(summary) };
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
    models: markdown(
      ['model', 'tensors', 'parameters', 'steps', 'images', 'bits/dim', 'which are', 'literature'],
      lines,
    ),
  };
}

function markdown(
  head: readonly string[],
  lines: readonly (readonly (string | number)[])[],
): string {
  const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [row(head), `|${head.map(() => '---').join('|')}|`, ...lines.map(row)].join('\n');
}

const METHODS = ['likelihood', 'typicality', 'layer-wise gradients'];

function markdownTable(rows: readonly FlatRow[]): string {
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
      ...METHODS.map((method) => cell(of(method))),
    ];
  });
  return markdown(['in → out', 'B', ...METHODS], lines);
}

const FAMILY_METHODS = [...METHODS, 'strangest of neighbours, factors and typicality'];

/**
 * A line for each family, kind of sets and B: the mean AUROC of each method over the pairs, and of
 * the paper's its distance to typicality.
 */
function familiesTable({ families }: Summary): string {
  const lines = families
    .filter(({ protocol }) => protocol === 'halves')
    .map(({ family, kind, batchSize, methods }) => {
      const of = (name: string) => methods.find(({ method }) => method === name);
      const means = FAMILY_METHODS.map((name) => of(name)?.mean.toFixed(3) ?? '–');
      const paper = of('layer-wise gradients');
      const against = paper?.against?.mean;
      const margin =
        against === undefined
          ? '–'
          : `${against.value.toFixed(3)} [${against.low.toFixed(3)}, ${against.high.toFixed(3)}]`;
      return [family, kind, paper?.pairs ?? 0, batchSize, ...means, margin];
    });
  return markdown(
    ['family', 'sets', 'pairs', 'B', ...FAMILY_METHODS, 'layer-wise − typicality'],
    lines,
  );
}

function picture({ rows }: ResultsFile): Figure {
  const single = rows.filter((row) => row.batchSize === 1);
  const outs = [...new Set(single.map((row) => row.out))];
  const of = (method: string, out: string) =>
    single.find((row) => row.method === method && row.out === out) as FlatRow;
  return bars(
    outs,
    METHODS.map((method) => ({
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
