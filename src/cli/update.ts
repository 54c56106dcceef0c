/**
 * # `fisherlab update`: all that follows from the shipped models
 *
 * Weights that arrive in `data/models` change tables, model cards, the round of all families and
 * two READMEs. Two commands bring everything up to date:
 *
 *     fisherlab update                     what is missing or of other weights, and nothing else
 *     fisherlab notebooks --write 04 05    then the pages that read it
 *
 * The slow part, a model's gradient norms, can be shared by processes beforehand, each with other
 * models:
 *
 *     fisherlab update glow-celeba & fisherlab update diffusion-gtsrb & wait
 *
 * A run that was stopped goes on where it was: tables are kept in `out/cache`, results are found in
 * `data/results` by the checksum of the weights, under both protocols. Methods that need much more
 * than one pass of every image (`COSTLY`) have tables of their own, `data/results/costly`, of the
 * first `COSTLY_IMAGES` images of each set, with all other methods beside them on the same images.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { assertKnown, FisherlabError, startBackend } from '../backend/index';
import {
  COSTLY,
  COSTLY_IMAGES,
  COSTLY_SUMMARY,
  familyCombinations,
  isPlayed,
  keepTables,
  MODEL_CARDS,
  modelsOf,
  SUMMARY,
  setsFor,
  shippedCards,
  summarise,
} from '../experiments/index';
import { disposeModel, type LoadedModel, loadModel, shippedModels } from '../models/index';
import { barForEachStep } from '../terminal/index';
import { play } from './combinations';
import {
  paperTables,
  readResults,
  type Tables,
  triedModels,
  withoutResults,
  writeCards,
  writeSummary,
} from './experiment';
import { fillIn } from './readme';

const SEED = 1;
const RESULTS = path.dirname(SUMMARY);
const EVERY_METHOD = path.dirname(COSTLY_SUMMARY);
/** The tables that are kept of every model. */
export const TABLES: readonly (Tables & { readonly skip: readonly string[] })[] = [
  { folder: RESULTS, protocol: 'halves', limit: null, skip: COSTLY },
  { folder: RESULTS, protocol: 'held-out', limit: null, skip: COSTLY },
  { folder: EVERY_METHOD, protocol: 'halves', limit: COSTLY_IMAGES, skip: [] },
];

export function register(program: Command): void {
  program
    .command('update')
    .description('bring tables, model cards, rounds and READMEs up to date with the shipped models')
    .argument('[models...]', 'only the tables of these, for several processes side by side')
    .action(update);
}

async function update(names: readonly string[]): Promise<void> {
  for (const name of names) assertKnown('shipped model', name, triedModels());
  await startBackend();
  const checksums = Object.fromEntries(
    shippedModels().map((name) => [name, about(name, ({ checksum }) => checksum)]),
  );
  const models = names.length === 0 ? triedModels() : names;
  for (const name of models) about(name, assertSetsAreHere);
  for (const { skip, ...tables } of TABLES) {
    const stale = withoutResults(models, checksums, tables);
    const { folder, protocol, limit } = tables;
    const images = limit === null ? {} : { limit: String(limit) };
    const shared = { batchSizes: '1,5', protocol, seed: String(SEED), out: folder };
    if (stale.length > 0)
      await paperTables({
        models: stale.join(),
        ...shared,
        ...images,
        ...(skip.length > 0 ? { skip: skip.join() } : {}),
      });
  }

  const round = familyCombinations();
  const played = isPlayed(round, checksums);
  if (!played) {
    const bar = barForEachStep();
    for (const name of modelsOf(round).filter((model) => models.includes(model))) {
      const loaded = loadModel(name);
      try {
        await keepTables(round, loaded, {
          seed: SEED,
          progress: (set, done, total) =>
            bar.step(`${name}: features of ${set} for the round`, done, total),
        });
      } finally {
        disposeModel(loaded.model);
      }
    }
    bar.done();
  }
  if (names.length > 0)
    return console.log('the tables are there; when those of all models are: fisherlab update');

  await writeCards(SEED, existsSync(MODEL_CARDS) ? shippedCards() : []);
  for (const folder of [RESULTS, EVERY_METHOD])
    await writeSummary(folder, summarise(readResults(folder)));
  if (!played) await play(round, { seed: String(SEED) });
  await fillIn(false);
  console.log('now the pages that read these numbers: fisherlab notebooks --write 04 05');
}

/** Fewer sets would be other tables under the same name. */
function assertSetsAreHere({ name, header }: LoadedModel): void {
  const { missing } = setsFor(header.data.name);
  if (missing.length > 0)
    throw new FisherlabError(
      `the tables of '${name}' need ${missing.join(', ')}, which are not on this machine`,
      'name a folder that has them in FISHERLAB_DATA',
    );
}

function about<T>(name: string, of: (loaded: LoadedModel) => T): T {
  const loaded = loadModel(name);
  try {
    return of(loaded);
  } finally {
    disposeModel(loaded.model);
  }
}
