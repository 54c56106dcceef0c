/**
 * # Running and storing the study of pixel statistics
 *
 * Runs `beyond-pixels.ts` over models and keeps two kinds of rows: one for each pair of each model,
 * and the means over the pairs of a family, separately for development pairs and reporting pairs
 * (`pairs.ts`). It goes set by set, so that the controlled images of a set are made only once for
 * the models of all families.
 */
import { writeJson } from '../backend/index';
import { dataset, type Images, picked, shuffled } from '../data/index';
import type { FeatureTable } from '../detectors/index';
import {
  estimateInTurn,
  type InTurn,
  inTurn,
  meanOfModels,
  meanOfPairs,
  minus,
} from '../evaluation/index';
import {
  BY_POSITION,
  beside,
  featureTables,
  pixelTable,
  steadyNoise,
  withMeanLogNorms,
} from '../features/index';
import { disposeModel, type LoadedModel, loadModel, PAPER_FAMILIES } from '../models/index';
import { deriveSeed, type Estimate, mean } from '../numerics/index';
import { METHODS, PIXELS, scoredInTurn, type View } from './beyond-pixels';
import { controlledSets } from './controlled-sets';
import { type Purpose, purposeOf } from './pairs';
import { BEYOND_PIXELS } from './results-file';
import { setsFor } from './sets-to-try';
import { ORDER } from './single-detector';

/** Images of a model's own set, and of each other one. */
const [OWN, OTHERS] = [2000, 1000];
/** Resamples of the bootstrap: enough for a standard error. */
const RESAMPLES = 200;

/** The training sets of the models compared on other sets, and on controlled sets. */
export const BEYOND_SETS = {
  natural: ['svhn', 'gtsrb', 'cifar10', 'celeba', 'tinyimagenet32', 'fashion_mnist'],
  controlled: ['cifar10', 'celeba'],
} as const;

interface Measured {
  readonly family: string;
  readonly view: View;
  readonly kind: Purpose | 'controlled';
  readonly batchSize: number;
  readonly method: string;
  readonly auroc: Estimate;
  /** AUROC minus that of the pixel statistics on the same batches. */
  readonly abovePixels: Estimate;
}

export interface BeyondRow extends Measured {
  readonly model: string;
  readonly in: string;
  readonly out: string;
}

export interface BeyondMean extends Measured {
  readonly pairs: number;
}

/**
 * R² of a regression of the ranks of a method's scores on the nine statistics and their squares,
 * over models.
 */
export interface Explained {
  readonly family: string;
  readonly batchSize: number;
  readonly method: string;
  readonly share: number;
}

export interface BeyondPixels {
  readonly seed: number;
  readonly order: number;
  readonly rows: readonly BeyondRow[];
  readonly means: readonly BeyondMean[];
  readonly explained: readonly Explained[];
}

export interface BeyondOptions {
  readonly seed: number;
  readonly batchSizes: readonly number[];
  /** The training sets of the models compared on other sets, and on controlled sets. */
  readonly natural: readonly string[];
  readonly controlled: readonly string[];
  readonly progress?: (what: string, done: number, total: number) => void;
  readonly cache?: string;
  readonly signal?: AbortSignal;
}

/** One pair of one model, measured by every method. */
interface Pair extends Pick<BeyondRow, 'model' | 'family' | 'in' | 'out' | 'view' | 'kind'> {
  readonly batchSize: number;
  /** [method] */
  readonly auroc: readonly InTurn[];
}

/**
 * Runs the study.
 * @throws {FisherlabError} if a set is not on this machine
 */
export async function beyondPixels(options: BeyondOptions): Promise<BeyondPixels> {
  const { natural, controlled, seed, progress, signal } = options;
  const pairs: Pair[] = [];
  const explained: (Explained & { model: string })[] = [];
  const sets = [...new Set([...natural, ...controlled])];
  const total = sets.length * PAPER_FAMILIES.length;
  for (const [s, own] of sets.entries()) {
    let made: Images[] | undefined;
    for (const [f, family] of PAPER_FAMILIES.entries()) {
      signal?.throwIfAborted();
      progress?.(`${family}-${own}`, s * PAPER_FAMILIES.length + f, total);
      const loaded = loadModel(`${family}-${own}`);
      try {
        const [, ...others] = setsFor(own).sets;
        if (controlled.includes(own)) made ??= await controlledSets(loaded.header, others, seed);
        for (const view of viewsOf(family)) {
          const inside = await ordered(own, OWN, view);
          const outside = await Promise.all(others.map((name) => ordered(name, OTHERS, view)));
          const asked = [
            ...outside.map((images) => ({ images, kind: purposeOf(own, images.name) })),
            ...(view === 'one noise' && made !== undefined ? made : []).map((images) => ({
              images,
              kind: 'controlled' as const,
            })),
          ];
          const tables = await tablesOfAll(
            loaded,
            [inside, ...asked.map(({ images }) => images)],
            view,
            options,
          );
          for (const table of tables) {
            const [ownTable, ...rest] = table as [FeatureTable, ...FeatureTable[]];
            const found = scoredInTurn(ownTable, rest);
            const { batchSize } = ownTable;
            found.pairs.forEach((scored, k) => {
              const { images, kind } = asked[k] as (typeof asked)[number];
              const resampling = {
                seed: deriveSeed(seed, 6),
                resamples: RESAMPLES,
                inName: own,
                outName: images.name,
              };
              pairs.push({
                model: loaded.name,
                family,
                in: own,
                out: images.name,
                view,
                kind,
                batchSize,
                auroc: inTurn(scored, resampling),
              });
            });
            if (view === 'one noise')
              explained.push(
                ...METHODS.map(({ name: method }, m) => ({
                  model: loaded.name,
                  family,
                  batchSize,
                  method,
                  share: found.explained[m] as number,
                })),
              );
            await new Promise(setImmediate);
          }
        }
      } finally {
        disposeModel(loaded.model);
      }
    }
  }
  return {
    seed,
    order: ORDER,
    rows: pairs.flatMap(({ auroc, ...about }) =>
      METHODS.map(({ name: method }, m) => ({ ...about, method, ...measured(auroc, m) })),
    ),
    means: meansOfFamilies(pairs),
    explained: overModels(explained),
  };
}

/**
 * For a flow, own noise is not a different view; for a diffusion model, the paper's tables already
 * have it.
 */
function viewsOf(family: string): readonly View[] {
  return family === 'vae' ? ['one noise', 'own noise', 'own noise, order of files'] : ['one noise'];
}

async function ordered(name: string, count: number, view: View): Promise<Images> {
  const all = await dataset(name, 'test');
  const set = view === 'own noise, order of files' ? all : shuffled(all, ORDER);
  return picked(set, [...Array(Math.min(count, all.count)).keys()]);
}

/** Tables `[batch size][set]` with mean log norms and pixel statistics. */
async function tablesOfAll(
  loaded: LoadedModel,
  sets: readonly Images[],
  view: View,
  { batchSizes, seed, cache, signal }: BeyondOptions,
): Promise<FeatureTable[][]> {
  const found = await featureTables(loaded, sets, {
    batchSizes: [...new Set([1, ...batchSizes])],
    seed,
    noiseIndices: view === 'one noise' ? steadyNoise(loaded.model.family) : BY_POSITION,
    ...(cache === undefined ? {} : { cache }),
    ...(signal === undefined ? {} : { signal }),
  });
  return batchSizes.map((B) =>
    sets.map((images, s) =>
      beside(withMeanLogNorms(found[s] as FeatureTable[], B), pixelTable(images, B)),
    ),
  );
}

/** The AUROC of method m, and how far it is above the pixel statistics. */
function measured(auroc: readonly InTurn[], m: number) {
  const pixels = METHODS.findIndex(({ name }) => name === PIXELS);
  const [own, baseline] = [auroc[m] as InTurn, auroc[pixels] as InTurn];
  return {
    auroc: rounded(estimateInTurn(own)),
    abovePixels: rounded(estimateInTurn(minus(own, baseline))),
  };
}

/** The means of every family over its pairs of one kind. */
function meansOfFamilies(pairs: readonly Pair[]): BeyondMean[] {
  const key = ({ family, view, kind, batchSize }: Pair) =>
    JSON.stringify({ family, view, kind, batchSize });
  return [...new Set(pairs.map(key))].flatMap((text) => {
    const about = JSON.parse(text) as Pick<BeyondMean, 'family' | 'view' | 'kind' | 'batchSize'>;
    // Held-out images of the model's own set are not strange.
    const own = pairs.filter((pair) => key(pair) === text && pair.out !== 'unaltered');
    const models = [...new Set(own.map(({ model }) => model))];
    const auroc = METHODS.map((_, m) =>
      meanOfModels(
        models.map((model) =>
          meanOfPairs(
            own.filter((pair) => pair.model === model).map((pair) => pair.auroc[m] as InTurn),
          ),
        ),
      ),
    );
    return METHODS.map(({ name: method }, m) => ({
      ...about,
      pairs: own.length,
      method,
      ...measured(auroc, m),
    }));
  });
}

function overModels(all: readonly (Explained & { model: string })[]): Explained[] {
  const key = ({ family, batchSize, method }: Explained) => `${family} ${batchSize} ${method}`;
  return [...new Set(all.map(key))].map((text) => {
    const own = all.filter((one) => key(one) === text);
    const { family, batchSize, method } = own[0] as Explained;
    return { family, batchSize, method, share: four(mean(own.map(({ share }) => share))) };
  });
}

const four = (value: number) => Number(value.toFixed(4));
const rounded = ({ value, low, high }: Estimate): Estimate => ({
  value: four(value),
  low: four(low),
  high: four(high),
});

/** Runs the study and keeps it in `data/results`. */
export async function keepBeyondPixels(options: BeyondOptions): Promise<BeyondPixels> {
  const found = await beyondPixels(options);
  await writeJson(BEYOND_PIXELS, found);
  return found;
}
