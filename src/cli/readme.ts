/**
 * # `fisherlab readme`: the numbers of the README, from the file that `npm start` wrote
 *
 * No number in the README is typed by hand: `npm start` leaves `out/results.json`; this command keeps it as `data/results/first-experiment.json` (with `--keep`), draws the README's picture
 * from it, and fills in what stands between `<!-- results -->` and `<!-- /results -->`. A test holds the README against the file.
 */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { Command } from 'commander';
import { FisherlabError } from '../backend/errors';
import { inCheckout } from '../backend/root';
import { writeBeside } from '../backend/write';
import type { FlatRow, ResultsFile } from '../evaluation/results-file';
import { bars, type Figure, labelOf, saveFigure } from '../plots/index';

export const README = inCheckout('README.md');
export const KEPT_RESULTS = inCheckout('data', 'results', 'first-experiment.json');
const PICTURE = inCheckout('data', 'results', 'first-experiment.svg');
const [BEGIN, END] = ['<!-- results -->', '<!-- /results -->'];

export function register(program: Command): void {
  program
    .command('readme')
    .description('fill the numbers of the last npm start into the README')
    .option('--keep', 'take the results of the last npm start; else those already kept')
    .action(async ({ keep = false }: { keep?: boolean }) => {
      const results = readResults(keep ? inCheckout('out', 'results.json') : KEPT_RESULTS);
      await mkdir(inCheckout('data', 'results'), { recursive: true });
      if (keep) await writeBeside(KEPT_RESULTS, `${JSON.stringify(results, null, 1)}\n`);
      await saveFigure(picture(results), PICTURE);
      await writeBeside(README, filledIn(readFileSync(README, 'utf8'), results));
      console.log('README.md holds the numbers of data/results/first-experiment.json');
    });
}

export function readResults(file: string): ResultsFile {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ResultsFile;
  } catch {
    throw new FisherlabError(`there are no results in '${file}'`, 'run npm start first');
  }
}

/** The README with the part between the marks made anew. */
export function filledIn(readme: string, results: ResultsFile): string {
  const [before, rest] = readme.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new FisherlabError(`README.md lacks '${BEGIN}' or '${END}'`, 'put the marks back');
  return `${before}${BEGIN}\n${markdownTable(results.rows)}\n${END}${after}`;
}

const METHODS = ['likelihood', 'typicality', 'layer-wise gradients'];

function markdownTable(rows: readonly FlatRow[]): string {
  const cell = (row: FlatRow | undefined) =>
    row === undefined ? '–' : `${row.auroc.toFixed(3)} [${row.low.toFixed(3)}, ${row.high.toFixed(3)}]`;
  const pairs = new Map(rows.map((row) => [`${row.batchSize} ${row.out}`, row]));
  const lines = [...pairs.values()].map(({ in: inside, out, batchSize }) => {
    const of = (method: string) => rows.find((row) => row.method === method && row.out === out && row.batchSize === batchSize);
    return `| ${labelOf(inside)} → ${labelOf(out)} | ${batchSize} | ${METHODS.map((method) => cell(of(method))).join(' | ')} |`;
  });
  return [`| in → out | B | ${METHODS.join(' | ')} |`, `|---|---|${METHODS.map(() => '---').join('|')}|`, ...lines].join('\n');
}

function picture({ rows }: ResultsFile): Figure {
  const single = rows.filter((row) => row.batchSize === 1);
  const outs = [...new Set(single.map((row) => row.out))];
  const of = (method: string, out: string) => single.find((row) => row.method === method && row.out === out) as FlatRow;
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
