/**
 * # Table rows for the study of pixel statistics
 *
 * Three questions, for each family: how far is a detector above the nine pixel statistics on other
 * sets, how far on controlled sets that the statistics can hardly tell apart, and what is left of
 * it once the statistics are regressed out (`beyond-pixels.ts`)?
 */
import { intervalText } from '../interval-text';
import { mean } from '../numerics/index';
import { CHOSEN, PAPER_METHOD, PIXELS } from './beyond-pixels';
import type { BeyondMean, BeyondPixels } from './beyond-study';
import { markdownTable } from './markdown-table';
import { BEYOND_PIXELS, readResultsFile } from './results-file';
import { BEYOND } from './results-schemas';

/** The chosen detector after the nine statistics were regressed out of its columns. */
const LEFT = `${CHOSEN}, pixel statistics taken out`;
const SHOWN = [PIXELS, 'typicality', PAPER_METHOD, CHOSEN, LEFT];
/** The methods whose scores the statistics are asked to explain. */
const EXPLAINED = ['typicality', PAPER_METHOD, CHOSEN, LEFT];
/** What a table calls the kinds of pairs. */
const KINDS = {
  reporting: 'other sets, reporting',
  choosing: 'other sets, choosing',
  controlled: 'controlled sets',
} as const satisfies Record<BeyondMean['kind'], string>;

/**
 * The shipped study.
 * @throws {FisherlabError} if there is none, or its file is damaged
 */
export function shippedBeyondPixels(): BeyondPixels {
  return readResultsFile(BEYOND_PIXELS, BEYOND, 'fisherlab experiment beyond-pixels');
}

/** The parts of the page about pixel statistics: `beyond`, `controlled` and `explained`. */
export function beyondParts({ rows, means, explained }: BeyondPixels): Record<string, string> {
  const kinds = Object.keys(KINDS);
  const ofMeans = means
    .filter(({ view, method }) => view === 'one noise' && method === PIXELS)
    .sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind)); // families in their order
  const lines = ofMeans.map((about) => {
    const of = (name: string) => means.find((one) => isBeside(one, about) && one.method === name);
    const above = [PAPER_METHOD, CHOSEN].map((name) => {
      const found = of(name)?.abovePixels;
      return found === undefined ? '–' : intervalText(found, { sign: true });
    });
    const aurocs = SHOWN.map((name) => of(name)?.auroc.value.toFixed(3) ?? '–');
    return [about.family, KINDS[about.kind], about.pairs, about.batchSize, ...aurocs, ...above];
  });
  return {
    beyond: markdownTable(
      [
        ...['family', 'pairs', 'number', 'B', ...SHOWN],
        ...[PAPER_METHOD, CHOSEN].map((name) => `${name} − ${PIXELS}`),
      ],
      lines,
    ),
    controlled: controlledTable(rows),
    explained: explainedTable(explained),
  };
}

const isBeside = (one: BeyondMean, other: BeyondMean) =>
  one.family === other.family &&
  one.view === other.view &&
  one.kind === other.kind &&
  one.batchSize === other.batchSize;

/** Each kind of controlled images, over the models of a family: the mean AUROC of single images. */
function controlledTable(rows: BeyondPixels['rows']): string {
  const controlled = rows.filter(({ kind, batchSize }) => kind === 'controlled' && batchSize === 1);
  const pairs = [...new Set(controlled.map(({ family, out }) => JSON.stringify([family, out])))];
  const lines = pairs.map((pair) => {
    const [family, out] = JSON.parse(pair) as [string, string];
    const own = controlled.filter((row) => row.family === family && row.out === out);
    const of = (name: string) => {
      const values = own.filter(({ method }) => method === name).map(({ auroc }) => auroc.value);
      return values.length === 0 ? '–' : mean(values).toFixed(3);
    };
    return [family, out, ...SHOWN.map(of)];
  });
  return markdownTable(['family', 'images', ...SHOWN], lines);
}

/** R² of the scores' ranks. */
function explainedTable(explained: BeyondPixels['explained']): string {
  const pairs = [...new Set(explained.map(({ family, batchSize }) => `${family} ${batchSize}`))];
  const lines = pairs.map((pair) => {
    const [family, B] = pair.split(' ');
    const of = (name: string) =>
      explained.find(
        (one) => one.family === family && one.batchSize === Number(B) && one.method === name,
      )?.share;
    return [family ?? '', B ?? '', ...EXPLAINED.map((name) => of(name)?.toFixed(2) ?? '–')];
  });
  return markdownTable(['family', 'B', ...EXPLAINED], lines);
}
