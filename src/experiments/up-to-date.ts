/**
 * # Everything that depends on the shipped models
 *
 * New weights in `data/models` change tables, the numbers of usual images, model cards, the rounds
 * of all families and two pages. Only what is missing or belongs to other weights is made. The slow
 * part is the gradient norms of each model; several processes can compute them beforehand, each for
 * different models. The work can be stopped at any moment and resumes where it was, because feature
 * tables are kept.
 */
import { existsSync } from 'node:fs';
import { assertKnown, FisherlabError } from '../errors';
import { disposeModel, type LoadedModel, loadModel, shippedModels } from '../models/index';
import { familyCombinations } from './family-combinations';
import {
  assertAllTried,
  KEPT_TABLES,
  keepSummary,
  type ModelEvents,
  makeTables,
  type TableSet,
  triedModels,
  withoutResults,
} from './kept-tables';
import { keepCards, type ModelCard, shippedCards } from './model-cards';
import { fillPages } from './pages';
import type { PaperOptions } from './paper-tables';
import { COSTLY_RESULTS, MODEL_CARDS, RESULTS } from './results-file';
import { isPlayed, keepTables, modelsOf, playRound, type Round, type RoundResult } from './rounds';
import { setsFor } from './sets-to-try';
import { singleDetector } from './single-detector';
import type { Summary } from './summary';
import { keepUsualImages } from './usual-images';

const SEED = 1;
const BATCH_SIZES = [1, 5];

export interface UpdateEvents extends ModelEvents, Pick<PaperOptions, 'progress' | 'signal'> {
  /** Called before making missing tables, with the set of tables and the number of models. */
  tables?(set: TableSet, models: number): void;
  cards?(cards: readonly ModelCard[]): void;
  summary?(folder: string, summary: Summary): void;
  round?(round: Round, result: RoundResult): void;
}

/**
 * Brings tables, model cards, the rounds of all families and two pages up to date with the shipped
 * models; if `names` are given, only the tables of these.
 * @throws {FisherlabError} if a name is not that of a shipped model with tables, if a set that its
 *   tables need is not on this machine, or if a model could not be tried
 */
export async function bringUpToDate(
  names: readonly string[],
  events: UpdateEvents = {},
): Promise<void> {
  for (const name of names) assertKnown('shipped model', name, triedModels());
  const checksums = Object.fromEntries(
    shippedModels().map((name) => [name, factOf(name, ({ checksum }) => checksum)]),
  );
  const models = names.length === 0 ? triedModels() : names;
  for (const name of models) factOf(name, assertSetsAreHere);
  for (const { skip, ...tables } of KEPT_TABLES)
    await makeMissing(withoutResults(models, checksums, tables), tables, skip, events);

  const rounds = [familyCombinations(), singleDetector()].filter(
    (round) => !isPlayed(round, checksums),
  );
  for (const round of rounds) {
    const asked = modelsOf(round).filter((model) => models.includes(model));
    for (const name of asked) await keepFeatures(round, name, events);
  }
  await keepUsualImages(models, events.signal === undefined ? {} : { signal: events.signal });
  if (names.length > 0) return;

  const { signal, progress } = events;
  const cards = await keepCards(SEED, {
    known: existsSync(MODEL_CARDS) ? shippedCards() : [],
    progress: (done, total) => progress?.('models', done, total),
    ...(signal === undefined ? {} : { signal }),
  });
  events.cards?.(cards);
  for (const folder of [RESULTS, COSTLY_RESULTS]) {
    const summary = await keepSummary(folder);
    if (summary !== undefined) events.summary?.(folder, summary);
  }
  for (const round of rounds)
    events.round?.(round, await playRound(round, { seed: SEED, ...follow(events) }));
  await fillPages();
}

async function makeMissing(
  stale: readonly string[],
  tables: TableSet,
  skip: readonly string[],
  events: UpdateEvents,
): Promise<void> {
  if (stale.length === 0) return;
  const { folder, protocol, limit } = tables;
  const { signal, progress } = events;
  events.tables?.(tables, stale.length);
  const options = {
    batchSizes: BATCH_SIZES,
    seed: SEED,
    protocol,
    skip,
    ...(limit === null ? {} : { limit }),
    ...(progress === undefined ? {} : { progress }),
    ...(signal === undefined ? {} : { signal }),
  };
  const { summary, notTried } = await makeTables(stale, folder, options, events);
  if (summary !== undefined) events.summary?.(folder, summary);
  assertAllTried(notTried);
}

/** Computes and keeps the features that a round needs from one model. */
async function keepFeatures(round: Round, name: string, events: UpdateEvents): Promise<void> {
  const loaded = loadModel(name);
  try {
    await keepTables(round, loaded, { seed: SEED, ...follow(events, `${name}: `) });
  } finally {
    disposeModel(loaded.model);
  }
}

/** The signal and the progress of a round. */
function follow({ signal, progress }: UpdateEvents, before = '') {
  return {
    progress: (set: string, done: number, total: number) =>
      progress?.(`${before}features of ${set} for the round`, done, total),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** With fewer sets, the same names would stand for different tables. */
function assertSetsAreHere({ name, header }: LoadedModel): void {
  const { missing } = setsFor(header.data.name);
  if (missing.length > 0)
    throw new FisherlabError(
      `the tables of '${name}' need ${missing.join(', ')}, which are not on this machine`,
      'name a folder that has them in FISHERLAB_DATA',
    );
}

function factOf<T>(name: string, of: (loaded: LoadedModel) => T): T {
  const loaded = loadModel(name);
  try {
    return of(loaded);
  } finally {
    disposeModel(loaded.model);
  }
}
