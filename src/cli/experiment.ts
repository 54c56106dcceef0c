/**
 * # `fisherlab experiment`: tables and ablations
 *
 *     fisherlab experiment paper-tables                               every shipped model, B = 1 and 5, all methods
 *     fisherlab experiment paper-tables --models glow-cifar10         some of them; the summary is of all results there are
 *     fisherlab experiment paper-tables --protocol held-out           fitted on images held out of training
 *     fisherlab experiment paper-tables --limit 100                   a trial, written to out/results
 *     fisherlab experiment ablations glow-fashion_mnist               what the numbers hang on (`ablations.ts`)
 *     fisherlab experiment models                                     bits/dim of every shipped model, beside the literature's
 *
 * Numbers go to `data/results/<family>-<set>.json` and `summary.json`, figures to `out/figures`.
 * Feature tables are kept (`out/cache`): a run that was stopped goes on where it was. Files of
 * notebooks and README are never touched by a trial (`--limit`).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { assertKnown, FisherlabError, inCheckout, startBackend, writeJson } from '../backend/index';
import {
  COSTLY,
  differencesFigure,
  type FamilySummary,
  MAIN_METHODS,
  MODEL_CARDS,
  type ModelCard,
  type ModelResults,
  modelCards,
  modelResults,
  PROTOCOLS,
  type Protocol,
  pairsFigure,
  SUMMARY,
  type Summary,
  summarise,
  tableFigure,
} from '../experiments/index';
import { isBackground } from '../features/index';
import { disposeModel, loadModel, shippedModels } from '../models/index';
import { saveFigure } from '../plots/index';
import { barForEachStep, tableText } from '../terminal/index';
import { registerAblations } from './ablations';
import { registerFigureTables } from './figure-tables';
import { wholeNumber } from './options';

interface Shared {
  limit?: string;
  seed: string;
  out?: string;
}

interface PaperFlags extends Shared {
  models?: string;
  batchSizes: string;
  protocol: Protocol;
  skip?: string;
}

export function register(program: Command): void {
  const experiment = program
    .command('experiment')
    .description('the tables of the paper, and ablations');
  experiment
    .command('paper-tables')
    .description(
      'every model against every set of its kind; go on after an interruption by the same command',
    )
    .option(
      '--models <names>',
      'models or checkpoints, separated by commas (default: all that are shipped)',
    )
    .option('--batch-sizes <list>', 'numbers of images in a batch', '1,5')
    .addOption(
      new Option('--protocol <name>', 'what fits the detectors')
        .choices(PROTOCOLS)
        .default('halves'),
    )
    .option('--skip <columns>', `columns to do without, of ${COSTLY.join(', ')}`)
    .option('--limit <n>', 'only the first images of each set: a trial')
    .option('--seed <n>', 'seed of noise and bootstrap', '1')
    .option(
      '--out <folder>',
      'where the results go (default: data/results; of a trial: out/results)',
    )
    .action(paperTables);
  experiment
    .command('models')
    .description('bits/dim of every shipped model on its test images')
    .option('--seed <n>', 'seed of noise', '1')
    .action(cards);
  registerAblations(experiment);
  registerFigureTables(experiment);
}

async function cards(flags: { seed: string }): Promise<void> {
  const seed = wholeNumber('--seed', flags.seed, 0);
  await startBackend();
  await writeCards(seed, []);
}

/**
 * Measures the cards of the shipped models, but for those of `known` that are of the same weights,
 * and writes and prints them.
 */
export async function writeCards(seed: number, known: readonly ModelCard[]): Promise<void> {
  const bar = barForEachStep();
  const names = shippedModels();
  const made = await modelCards(names, seed, {
    known,
    progress: (done) => bar.step('models', done, names.length),
  });
  bar.done();
  await writeJson(MODEL_CARDS, made);
  console.log(
    tableText(
      made.map(({ model, steps, bitsPerDim, how }) => ({
        model,
        steps: String(steps),
        bitsPerDim: bitsPerDim.toFixed(3),
        how,
      })),
    ),
  );
}

export async function paperTables(flags: PaperFlags): Promise<void> {
  const names = flags.models?.split(',') ?? triedModels();
  if (names.length === 0)
    throw new FisherlabError(
      'there are no models',
      'train one with fisherlab train, or name a checkpoint with --models',
    );
  const batchSizes = flags.batchSizes.split(',').map((text) => wholeNumber('--batch-sizes', text));
  const skip = flags.skip?.split(',') ?? [];
  for (const column of skip) assertKnown('column to skip', column, COSTLY);
  const { folder, limit, seed } = places(flags);
  const backend = await startBackend();
  console.log(
    `${names.length} models, B = ${batchSizes.join(', ')}, protocol ${flags.protocol}, backend ${backend.name}`,
  );
  const notDone: string[] = [];
  for (const [k, name] of names.entries()) {
    const loaded = loadModel(name);
    const bar = barForEachStep();
    try {
      console.log(`model ${k + 1} of ${names.length}: ${loaded.name}`);
      const results = await modelResults(loaded, {
        batchSizes,
        seed,
        protocol: flags.protocol,
        skip,
        progress: bar.step,
        ...(limit === undefined ? {} : { limit }),
      });
      bar.done();
      await writeJson(path.join(folder, fileOf(results)), results);
      if (results.missingSets.length > 0)
        console.log(`  not on this machine: ${results.missingSets.join(', ')}`);
      for (const { method, batchSize, why } of results.without)
        console.log(`  without ${method}, B = ${batchSize}: ${why}`);
      console.log(`${tableText(modelTable(results))}\n`);
      const figures = batchSizes.map(
        (B) => [`${loaded.name}-pairs-${B}`, pairsFigure(results.rows, MAIN_METHODS, B)] as const,
      );
      for (const [figure, value] of figures) await saveFigure(value, figureFile(folder, figure));
    } catch (error) {
      if (!(error instanceof FisherlabError)) throw error;
      // One model that cannot be tried does not keep the others from it.
      notDone.push(`${loaded.name}: ${error.message}`);
    } finally {
      bar.done();
      disposeModel(loaded.model);
    }
  }
  const results = readResults(folder);
  if (results.length > 0) await writeSummary(folder, summarise(results));
  if (notDone.length > 0)
    throw new FisherlabError(`no results of ${notDone.join('; ')}`, 'the other models are done');
}

/** The shipped models that have tables: all but those that others are compared with. */
export function triedModels(): string[] {
  return shippedModels().filter((name) => !isBackground(name));
}

/** The name of a model's results. */
function fileOf({ family, in: own, protocol }: ModelResults): string {
  return `${family}-${own}${protocol === 'halves' ? '' : `-${protocol}`}.json`;
}

/** All results of models in a folder. */
export function readResults(folder: string): ModelResults[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter(
    (file) =>
      file.endsWith('.json') && file !== path.basename(SUMMARY) && !file.startsWith('ablations-'),
  );
  return files.sort().flatMap((file) => {
    const found = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as ModelResults;
    // other files may lie here too
    return found.rows === undefined || found.comparisons === undefined ? [] : [found];
  });
}

/** The tables of all results in a folder, as a file, figures and text. */
export async function writeSummary(folder: string, summary: Summary): Promise<void> {
  await writeJson(path.join(folder, path.basename(SUMMARY)), summary);
  for (const family of summary.families) {
    const { family: name, kind, protocol, batchSize, models, methods } = family;
    console.log(
      `${name}, ${kind} sets, ${protocol}, B = ${batchSize}, ${models.length} models, ${methods[0]?.pairs ?? 0} pairs`,
    );
    console.log(`${tableText(familyTable(family))}\n`);
    const stem = `${name}-${kind}-${protocol}-${batchSize}`;
    for (const method of MAIN_METHODS) {
      await saveFigure(
        tableFigure(family, method),
        figureFile(folder, `${stem}-${method.replace(/\W+/g, '-')}`),
      );
    }
    if (methods.some(({ against }) => against !== undefined)) {
      await saveFigure(differencesFigure(family), figureFile(folder, `${stem}-differences`));
    }
  }
  if (summary.missing.length > 0)
    console.log(`models of the full tables without results: ${summary.missing.join(', ')}`);
  console.log(
    `numbers: ${path.relative(process.cwd(), folder)}   figures: ${path.relative(process.cwd(), path.dirname(figureFile(folder, 'x')))}`,
  );
}

/** One line a method: AUROC for each pair and B. */
function modelTable({ rows }: ModelResults): Record<string, string>[] {
  const lines = new Map<string, Record<string, string>>();
  for (const { method, out, batchSize, auroc } of rows) {
    const line = lines.get(method) ?? { method };
    line[`${out}, ${batchSize}`] = auroc.value.toFixed(3);
    lines.set(method, line);
  }
  const columns = [...new Set([...lines.values()].flatMap(Object.keys))];
  return [...lines.values()].map((line) =>
    Object.fromEntries(columns.map((column) => [column, line[column] ?? '–'])),
  );
}

function familyTable({ methods }: FamilySummary): Record<string, string>[] {
  return methods.map(({ method, mean, quartiles, against }) => ({
    method,
    'mean AUROC': mean.toFixed(3),
    quartiles: quartiles.map((quartile) => quartile.toFixed(3)).join(' '),
    'above typicality':
      against === undefined
        ? '–'
        : `${against.mean.value.toFixed(3)} [${against.mean.low.toFixed(3)}, ${against.mean.high.toFixed(3)}]`,
    'won, drawn, lost':
      against === undefined ? '–' : `${against.wins}, ${against.draws}, ${against.losses}`,
  }));
}

function places({ limit, seed, out }: Shared): {
  folder: string;
  limit: number | undefined;
  seed: number;
} {
  const few = limit === undefined ? undefined : wholeNumber('--limit', limit);
  const folder =
    out ?? (few === undefined ? inCheckout('data', 'results') : inCheckout('out', 'results'));
  return { folder: path.resolve(folder), limit: few, seed: wholeNumber('--seed', seed, 0) };
}

/** Figures lie beside a folder of one's own, those of the shipped results in `out/figures`. */
function figureFile(folder: string, stem: string): string {
  const within = path.relative(inCheckout('data', 'results'), folder);
  const figures =
    within.startsWith('..') || path.isAbsolute(within)
      ? path.join(folder, 'figures')
      : inCheckout('out', 'figures', within);
  return path.join(figures, `${stem}.svg`);
}

/**
 * Which tables: results of a protocol, on the first `limit` images of each set (all: null), in a
 * folder.
 */
export interface Tables {
  readonly folder: string;
  readonly protocol: Protocol;
  readonly limit: number | null;
}

/**
 * The models that do not have their results in these tables, or have those of other weights
 * (checksums by name).
 */
export function withoutResults(
  names: readonly string[],
  checksums: Readonly<Record<string, string>>,
  { folder, protocol, limit }: Tables,
): string[] {
  const known = readResults(folder).filter(
    (result) => result.protocol === protocol && result.limit === limit,
  );
  return names.filter(
    (name) => !known.some(({ model, checksum }) => model === name && checksum === checksums[name]),
  );
}
