/**
 * # Results as text
 *
 * Printed forms of results that several commands share.
 */
import path from 'node:path';
import type { experiments } from '../index';
import { lab } from './lab';

type Estimate = { readonly value: number; readonly low: number; readonly high: number };

/** A path as you would type it in the current folder; the whole path where that folder is gone. */
export function shown(file: string): string {
  try {
    return path.relative(process.cwd(), file) || '.';
  } catch {
    return file;
  }
}

/** `0.912 [0.905, 0.919]` */
export function withInterval({ value, low, high }: Estimate): string {
  return `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
}

/** Prints a model's results, with a row per method and a column per pair and batch size. */
export function printModel(results: experiments.ModelResults): void {
  if (results.missingSets.length > 0)
    console.log(`  not on this machine: ${results.missingSets.join(', ')}`);
  for (const { method, batchSize, why } of results.without)
    console.log(`  without ${method}, B = ${batchSize}: ${why}`);
  const lines = new Map<string, Record<string, string>>();
  for (const { method, out, batchSize, auroc } of results.rows) {
    const line = lines.get(method) ?? { method };
    line[`${out}, ${batchSize}`] = auroc.value.toFixed(3);
    lines.set(method, line);
  }
  const columns = [...new Set([...lines.values()].flatMap(Object.keys))];
  const rows = [...lines.values()].map((line) =>
    Object.fromEntries(columns.map((column) => [column, line[column] ?? '–'])),
  );
  console.log(`${lab().terminal.tableText(rows)}\n`);
}

/** Prints the tables of all results in a folder. */
export function printSummary(folder: string, summary: experiments.Summary): void {
  for (const family of summary.families) {
    const { family: name, kind, protocol, batchSize, models, methods } = family;
    console.log(
      `${name}, ${kind} sets, ${protocol}, B = ${batchSize}, ${models.length} models, ${methods[0]?.pairs ?? 0} pairs`,
    );
    console.log(`${lab().terminal.tableText(methods.map(methodRow))}\n`);
  }
  if (summary.missing.length > 0)
    console.log(`models of the full tables without results: ${summary.missing.join(', ')}`);
  const figures = lab().experiments.figuresFolder(folder);
  console.log(`numbers: ${shown(folder)}   figures: ${shown(figures)}`);
}

function methodRow({
  method,
  mean,
  quartiles,
  against,
}: experiments.FamilySummary['methods'][number]): Record<string, string> {
  return {
    method,
    'mean AUROC': mean.toFixed(3),
    quartiles: quartiles.map((quartile) => quartile.toFixed(3)).join(' '),
    'above typicality': against === undefined ? '–' : withInterval(against.mean),
    'won, drawn, lost':
      against === undefined ? '–' : `${against.wins}, ${against.draws}, ${against.losses}`,
  };
}

/** Prints how good the models are. */
export function printCards(cards: readonly experiments.ModelCard[]): void {
  const rows = cards.map(({ model, steps, bitsPerDim, how }) => ({
    model,
    steps: String(steps),
    bitsPerDim: bitsPerDim.toFixed(3),
    how,
  }));
  console.log(lab().terminal.tableText(rows));
}

/** Prints the result of a round. */
export function printRound(
  round: experiments.Round,
  { development, reporting }: experiments.RoundResult,
): void {
  const { tableText } = lab().terminal;
  console.log(`${tableText(development.means.map(marginRow))}\n`);
  console.log(`reported: ${round.chosen}`);
  const pairs = reporting.rows.map((row) => ({
    pair: `${row.model} → ${row.out}`,
    ...marginRow(row),
  }));
  console.log(tableText(pairs));
  console.log(`${tableText(reporting.means.map(marginRow))}\nnumbers: ${shown(round.file)}`);
}

function marginRow(row: experiments.TrialRow | experiments.TrialMean): Record<string, string> {
  return {
    candidate: row.candidate,
    B: String(row.batchSize),
    AUROC: row.auroc.toFixed(3),
    'the paper’s': row.paper.toFixed(3),
    margin: withInterval(row),
    verdict: row.verdict,
  };
}
