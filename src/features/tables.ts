/**
 * # Tables of features: from the cache, or computed and kept
 *
 * Ask for features by name, or pass your own. Every table also has the log-likelihood and the
 * paper's squared norms. Each feature is kept separately, under everything it was made from
 * (`layer-features.ts`, `statistic.ts`). So adding a feature to a table computes only that feature,
 * an interrupted experiment resumes where it stopped, and a notebook reads what `npm start` has
 * computed.
 */

import type { Images } from '../data/index';
import type { FeatureTable } from '../detectors/index';
import { FisherlabError } from '../errors';
import type { Feature } from '../gradients/index';
import type { LoadedModel } from '../models/index';
import { LayerFeatures, type LayerTableOptions, type OfLayers, only } from './layer-features';
import { OwnFeature } from './own-feature';
import { entryOf, type FeatureEntry } from './registry';
import { beside, type ImageStatistic, statisticTable, summedInBatches } from './statistic';
import { CACHE_FOLDER } from './table-cache';

/** The name of a feature in the registry, or a feature of your own. */
export type FeatureChoice = string | Feature;

export interface TableOptions extends LayerTableOptions {
  /** Features besides the log-likelihood and the squared norms. */
  readonly features?: readonly FeatureChoice[];
}

/** The tables of one set, one for each batch size: see {@link featureTables}. */
export async function tablesOf(
  loaded: LoadedModel,
  data: Images,
  options: TableOptions,
): Promise<FeatureTable[]> {
  return (await featureTables(loaded, [data], options))[0] as FeatureTable[];
}

/**
 * Tables `[set][batch size]`: the log-likelihood, the squared norms, and every feature of
 * `features` in their order.
 * @throws {FisherlabError} if a feature is unknown, not available for this model, or has a mistake
 *   (`checkFeature`); if two features have the same name; if a batch is larger than a set
 * @throws the reason of `signal`, once it is aborted
 */
export async function featureTables(
  loaded: LoadedModel,
  sets: readonly Images[],
  options: TableOptions,
): Promise<FeatureTable[][]> {
  const { batchSizes, seed, noiseIndices, cache = CACHE_FOLDER, progress, signal } = options;
  const wanted = distinct(['squared-norm', ...(options.features ?? [])]);
  const ofLayers = new LayerFeatures(loaded, options);
  const statistics = new Map<StatisticOf, ImageStatistic>();
  try {
    for (const entry of wanted.filter(isOfImages)) {
      if (statistics.has(entry.statistic)) continue;
      const statistic = entry.statistic(loaded, seed);
      if (statistic === null)
        throw new FisherlabError(
          `the ${loaded.model.family} model '${loaded.name}' has no ${entry.name}`,
          'leave it out, or choose another model',
        );
      statistics.set(entry.statistic, statistic);
    }
    const layers: FeatureTable[][][] = []; // [set][feature][batch size]
    const features = wanted.filter((feature): feature is OfLayers => !isOfImages(feature));
    for (const data of sets) layers.push(await ofLayers.tablesOf(data, features));
    const images = new Map<StatisticOf, FeatureTable[]>(); // [set]
    for (const [key, statistic] of statistics) {
      const tables: FeatureTable[] = [];
      for (const data of sets)
        tables.push(
          await statisticTable(statistic, data, {
            cache,
            ...(noiseIndices === undefined ? {} : { noiseIndices }),
            progress: (done) => progress?.(data.name, done, data.count, statistic.name),
            ...(signal === undefined ? {} : { signal }),
          }),
        );
      images.set(key, tables);
    }
    return sets.map((_, s) =>
      batchSizes.map((B, b) =>
        beside(
          layers[s]?.[0]?.[b] as FeatureTable, // with the log-likelihood
          ...wanted
            .slice(1)
            .map((feature) =>
              isOfImages(feature)
                ? summedInBatches(
                    only(images.get(feature.statistic)?.[s] as FeatureTable, feature.name),
                    B,
                  )
                : only(layers[s]?.[features.indexOf(feature)]?.[b] as FeatureTable, feature.name),
            ),
        ),
      ),
    );
  } finally {
    ofLayers.dispose();
    for (const statistic of statistics.values()) statistic.dispose?.();
  }
}

type OfImages = Extract<FeatureEntry, { kind: 'image' }>;
type StatisticOf = OfImages['statistic'];

function isOfImages(feature: OfImages | OfLayers): feature is OfImages {
  return !(feature instanceof OwnFeature) && feature.kind === 'image';
}

/** Registry entries and your own features, each once. */
function distinct(choices: readonly FeatureChoice[]): (OfImages | OfLayers)[] {
  const found = [...new Set(choices)].map((choice) =>
    typeof choice === 'string' ? entryOf(choice) : OwnFeature.of(choice),
  );
  const names = found.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new FisherlabError(
      `two features are called '${twice}'`,
      'give your own feature a name of its own',
    );
  return found;
}
